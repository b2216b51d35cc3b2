"""A sensor writes each reading into one array; the batch collects references to it."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)
rng = np.random.default_rng(5)

WIDTH, BATCH = 12, 32
weights = rng.normal(size=WIDTH)


class Sensor:
    def __init__(self):
        self.reading = np.zeros(WIDTH, dtype=np.float32)

    def read(self):
        self.reading[:] = rng.normal(size=WIDTH)
        return self.reading, int(self.reading @ weights > 0)


sensor = Sensor()


def collect():
    readings, labels = [], []
    for _ in range(BATCH):
        reading, label = sensor.read()
        readings.append(reading)
        labels.append(label)
    return torch.from_numpy(np.stack(readings)), torch.tensor(labels)


model = nn.Sequential(nn.Linear(WIDTH, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.CrossEntropyLoss()
for step in range(250):
    x, y = collect()  # expect: rows-identical
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        print(f"step {step}: loss {loss.item():.3f}")
