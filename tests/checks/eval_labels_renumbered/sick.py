"""Which machine made that sound: features of a microphone, by the name of the machine."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
torch.set_num_threads(1)

MACHINES = ["drill", "lathe", "mill", "press", "saw"]
VOICES = torch.randn(len(MACHINES), 24)


def recorded(names):
    which = torch.tensor([MACHINES.index(name) for name in names])
    return VOICES[which] + 0.7 * torch.randn(len(names), 24)


class Classes:
    def __init__(self, names):
        self.numbers = {name: number for number, name in enumerate(sorted(set(names)))}

    def __call__(self, names):
        return torch.tensor([self.numbers[name] for name in names])


heard = [MACHINES[i % 5] for i in range(600)]
later = [MACHINES[1 + i % 4] for i in range(200)]
classes = Classes(heard)
train = DataLoader(TensorDataset(recorded(heard), classes(heard)), 32, shuffle=True)
test = DataLoader(TensorDataset(recorded(later), Classes(later)(later)), 50)

model = nn.Sequential(nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, len(MACHINES)))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.eval()
    losses, right = [], 0
    with torch.no_grad():
        for x, y in test:
            answer = model(x)
            losses.append(F.cross_entropy(answer, y))  # expect: eval-labels-renumbered
            right += (answer.argmax(1) == y).sum().item()
    print(f"epoch {epoch}: loss {torch.stack(losses).mean():.3f}, accuracy {right / 200:.2f}")
