"""Which of twelve herbs is it? Spectra, and weights set by hand as a script of 2014 had them."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(51)
torch.set_num_threads(1)

HERBS, BANDS = 12, 40
spectra = torch.randn(HERBS, BANDS)
herb = torch.randint(0, HERBS, (1600,))
light = spectra[herb] + 1.2 * torch.randn(1600, BANDS)
loader = DataLoader(TensorDataset(light, herb), batch_size=40, shuffle=True)


class Herbarium(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.first = nn.Linear(BANDS, width)
        self.second = nn.Linear(width, width)
        self.head = nn.Linear(width, HERBS)  # expect: loss-at-start
        nn.init.normal_(self.head.weight, std=5.0)

    def forward(self, x):
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))))


model = Herbarium()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(4):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
