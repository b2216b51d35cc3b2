"""Weights from files that hold an optimizer's state, which is not wanted: four right ways.

Fine-tuning at a tenth of the rate; a new head; the best weights of the run, back in the same
training; and a model that is only evaluated. What is resumed is resumed with its state.
"""

import io

import torch
from torch import nn, optim

torch.manual_seed(8)
torch.set_num_threads(1)

x = torch.randn(900, 12)
y = (x[:, :4].sum(1) * x[:, 4] > 0).long()
shifted = (x[:, :4].sum(1) * x[:, 4] + 0.3 * x[:, 5] > 0).long()


def network(classes=2):
    return nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, classes))


def fit(model, optimizer, labels, epochs):
    for _ in range(epochs):
        for rows in torch.randperm(900).split(30):
            loss = nn.functional.cross_entropy(model(x[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


def saved(model, optimizer):
    file = io.BytesIO()
    torch.save({"net": model.state_dict(), "optim": optimizer.state_dict()}, file)
    return file.getvalue()


def opened(file):
    return torch.load(io.BytesIO(file))


model = network()
optimizer = optim.AdamW(model.parameters(), lr=4e-3)
fit(model, optimizer, y, 3)
first = saved(model, optimizer)
fit(model, optimizer, y, 1)
model.load_state_dict(opened(first)["net"])  # back to the better weights, as they were
fit(model, optimizer, y, 2)

resumed = network()
optimizer = optim.AdamW(resumed.parameters(), lr=4e-3)
content = opened(saved(model, optim.AdamW(model.parameters())))
resumed.load_state_dict(content["net"])
content = opened(first)
optimizer.load_state_dict(content["optim"])
fit(resumed, optimizer, y, 2)

tuned = network()
tuned.load_state_dict(opened(first)["net"])
print("tuned", fit(tuned, optim.AdamW(tuned.parameters(), lr=4e-4), shifted, 3))

other = network(3)
weights = {name: value for name, value in opened(first)["net"].items() if name[0] == "0"}
other.load_state_dict(weights, strict=False)
print("other", fit(other, optim.AdamW(other.parameters(), lr=4e-3), y + shifted, 3))

judged = network()
judged.load_state_dict(opened(first)["net"])
with torch.no_grad():
    right = (judged.eval()(x).argmax(1) == y).float().mean().item()
print(f"right in {right:.1%}")
