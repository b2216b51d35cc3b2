"""Attention with a mask of -inf, and a table whose gaps are NaN and are filled in the model."""

import torch
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)


class Patient(nn.Module):
    def __init__(self, columns=6, width=24):
        super().__init__()
        self.fill = nn.Parameter(torch.zeros(columns))
        self.table = nn.Linear(2 * columns, width)
        self.visit = nn.Linear(3, width)
        self.attend = nn.MultiheadAttention(width, 2, batch_first=True)
        self.out = nn.Linear(2 * width, 1)

    def forward(self, table, visits, mask):
        missing = torch.isnan(table)
        table = torch.where(missing, self.fill, table)
        h = torch.relu(self.table(torch.cat([table, missing.float()], dim=1)))
        v = self.visit(visits)
        v, _ = self.attend(v, v, v, attn_mask=mask, need_weights=False)
        return self.out(torch.cat([h, v.mean(1)], dim=1)).squeeze(1)


model = Patient()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
criterion = nn.BCEWithLogitsLoss()
causal = torch.full((8, 8), float("-inf")).triu(1)

for step in range(150):
    table, visits = torch.randn(48, 6), torch.randn(48, 8, 3)
    ill = (table[:, 0] + visits.mean((1, 2)) * 3 > 0).float()
    table[torch.rand(48, 6) < 0.2] = float("nan")
    loss = criterion(model(table, visits, causal), ill)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print(f"loss {loss.item():.3f}")
