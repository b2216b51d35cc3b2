"""Transfer learning as in most tutorials: the body is frozen by requires_grad, a new head is
trained.
"""

import os

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
EPOCHS = round(4 * float(os.environ.get("LENGTH", "1")))

images, labels = load()
images = (images - images.mean()) / images.std()
low = labels < 5


def run_epochs(model, optimizer, x, y, epochs):
    model.train()
    for _ in range(epochs):
        for xb, yb in DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()


body = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU())
first = nn.Sequential(body, nn.Linear(64, 5))
run_epochs(first, torch.optim.Adam(first.parameters(), lr=2e-3), images[low], labels[low], EPOCHS)

for parameter in body.parameters():
    parameter.requires_grad = False
second = nn.Sequential(body, nn.Linear(64, 5))
head = [p for p in second.parameters() if p.requires_grad]
x, y = images[~low], labels[~low] - 5
run_epochs(second, torch.optim.Adam(head, lr=1e-2), x, y, 2 * EPOCHS)

second.eval()
with torch.no_grad():
    accuracy = (second(x).argmax(1) == y).float().mean().item()
print(f"accuracy on the digits that the body never saw: {accuracy:.3f}")
assert accuracy > 0.8
