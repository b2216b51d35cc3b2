"""A large network on a hundred and fifty noisy samples, validated after every epoch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(11)
torch.set_num_threads(1)

generator = torch.Generator().manual_seed(50)
weights = torch.randn(20, generator=generator)


def sample(count):
    x = torch.randn(count, 20, generator=generator)
    clear = x @ weights + 2.0 * torch.randn(count, generator=generator)
    return x, (clear > 0).long()


train_loader = DataLoader(TensorDataset(*sample(150)), batch_size=15, shuffle=True)
val_x, val_y = sample(1000)


class Wide(nn.Module):
    def __init__(self, width=256, p=0.0):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(20, width), nn.Linear(width, width)
        self.out = nn.Linear(width, 2)
        self.dropout = nn.Dropout(p)

    def forward(self, x):
        x = self.dropout(torch.relu(self.fc1(x)))
        return self.out(self.dropout(torch.relu(self.fc2(x))))


model = Wide()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(30):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(val_x)
        print(f"{epoch:3d} val loss {criterion(logits, val_y).item():.4f}")
