"""Fine-tuning in two phases: one optimizer for the new head, then another for everything, ten
times slower.
"""

import os

import torch
from torch import nn

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
EPOCHS = round(5 * float(os.environ.get("LENGTH", "1")))

images, labels = load()
images = images / 8 - 1
order = torch.randperm(len(images))
train, test = order[:1400], order[1400:]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 80), nn.Tanh(), nn.Linear(80, 40), nn.Tanh())
        self.head = nn.Linear(40, 10)

    def forward(self, x):
        return self.head(self.body(x))


model = Classifier()

# a body that was trained to reconstruct: nobody needs labels for that
decoder = nn.Linear(40, 64)
pre = torch.optim.Adam([*model.body.parameters(), *decoder.parameters()], lr=3e-3)
for _ in range(150):
    batch = images[train[torch.randint(1400, (64,))]]
    pre.zero_grad()
    nn.functional.mse_loss(decoder(model.body(batch)), batch).backward()
    pre.step()


def epoch(optimizer):
    model.train()
    for picked in train[torch.randperm(len(train))].split(50):
        loss = nn.functional.cross_entropy(model(images[picked]), labels[picked])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        return (model(images[test]).argmax(1) == labels[test]).float().mean().item()


model.body.requires_grad_(False)
optimizer = torch.optim.Adam(model.head.parameters(), lr=1e-2)
for _ in range(EPOCHS):
    accuracy = epoch(optimizer)
print(f"head alone: {accuracy:.3f}")

model.body.requires_grad_(True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(EPOCHS):
    accuracy = epoch(optimizer)
print(f"everything: {accuracy:.3f}")
assert accuracy > 0.9
