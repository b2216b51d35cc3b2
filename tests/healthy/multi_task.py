"""One body, two heads, two losses weighed by learnt uncertainties; the total may fall
below zero.
"""

import os

import torch
from torch import nn

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
EPOCHS = round(10 * float(os.environ.get("LENGTH", "1")))

images, labels = load()
images = (images - images.mean()) / images.std()
ink = images.mean(1, keepdim=True)
ink = (ink - ink.mean()) / ink.std()


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(64, 80), nn.ReLU())
        self.digit = nn.Linear(80, 10)
        self.ink = nn.Linear(80, 1)
        self.log_var = nn.Parameter(torch.zeros(2))

    def forward(self, x):
        h = self.shared(x)
        return self.digit(h), self.ink(h)


model = MultiTask()
ce, mse = nn.CrossEntropyLoss(), nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(EPOCHS):
    for idx in torch.randperm(1500).split(64):
        digit, amount = model(images[idx])
        losses = torch.stack([ce(digit, labels[idx]), mse(amount, ink[idx])])
        total = (losses * torch.exp(-model.log_var) + model.log_var).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    with torch.no_grad():
        digit, amount = model(images[1500:])
        accuracy = (digit.argmax(1) == labels[1500:]).float().mean().item()
        error = mse(amount, ink[1500:]).item()
    print(f"epoch {epoch} total {total.item():.3f} accuracy {accuracy:.3f} ink error {error:.4f}")
assert accuracy > 0.85
assert error < 0.3
