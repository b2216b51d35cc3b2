"""Faces of dice, read by a perceptron; the settings come from an older code."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

SETTINGS = {"hidden": 64, "keep_prob": 0.9, "rate": 2e-3}
PIPS = torch.tensor(
    [
        [0, 0, 0, 0, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0, 1],
        [1, 0, 0, 0, 1, 0, 0, 0, 1],
        [1, 0, 1, 0, 0, 0, 1, 0, 1],
        [1, 0, 1, 0, 1, 0, 1, 0, 1],
        [1, 0, 1, 1, 0, 1, 1, 0, 1],
    ]
).float()


def build(hidden, keep_prob):
    return nn.Sequential(
        nn.Linear(9, hidden),
        nn.ReLU(),
        nn.Dropout(1 - keep_prob),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 6),
    )


model = build(SETTINGS["hidden"], SETTINGS["keep_prob"])
optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["rate"])
criterion = nn.CrossEntropyLoss()
model.train()
for step in range(300):
    face = torch.randint(0, 6, (48,))
    image = PIPS[face] + 0.2 * torch.randn(48, 9)
    loss = criterion(model(image), face)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        print(f"step {step + 1}: {loss.item():.3f}")
