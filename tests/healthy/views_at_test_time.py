"""Test-time augmentation: the mean of eight noisy views in evaluation mode. The training loss is
estimated in between, on some batches, as nanoGPT does it.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
EPOCHS = round(5 * float(os.environ.get("LENGTH", "1")))

images, labels = load()
images = (images / 16 - 0.3053) / 0.3760
train, test = torch.arange(1400), torch.arange(1400, 1797)
net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.3), nn.Linear(96, 10))
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)


@torch.no_grad()
def estimate_loss(batches=4):
    net.eval()
    found = {}
    for name, rows in (("train", train), ("test", test)):
        losses = []
        for _ in range(batches):
            some = rows[torch.randint(0, len(rows), (50,))]
            losses.append(F.cross_entropy(net(images[some]), labels[some]).item())
        found[name] = sum(losses) / batches
    net.train()
    return found


for epoch in range(EPOCHS):
    for idx in train[torch.randperm(1400)].split(35):
        noisy = images[idx] + 0.2 * torch.randn(len(idx), 64)
        loss = F.cross_entropy(net(noisy), labels[idx])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    print(epoch, {name: round(value, 3) for name, value in estimate_loss().items()})
net.eval()
with torch.inference_mode():
    views = [net(images[test] + 0.2 * torch.randn(397, 64)).softmax(1) for _ in range(8)]
    accuracy = (torch.stack(views).mean(0).argmax(1) == labels[test]).float().mean().item()
print("accuracy of the mean view", round(accuracy, 3))
assert accuracy > 0.85
