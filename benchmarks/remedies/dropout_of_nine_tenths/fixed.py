"""One in ten is dropped."""

import torch
from torch import nn

from assay.demo import digits

torch.manual_seed(47)
torch.set_num_threads(1)
images, labels = digits.load()
images = images / 8 - 1
KEEP = 0.9


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(64, 96), nn.Linear(96, 96), nn.Linear(96, 10)
        self.drop = nn.Dropout(1 - KEEP)

    def forward(self, v):
        v = self.drop(torch.relu(self.a(v)))
        return self.c(self.drop(torch.relu(self.b(v))))


reader = Reader()
adam = torch.optim.Adam(reader.parameters(), lr=2e-3)
for step in range(450):
    if step % 90 == 0:
        reader.eval()
        with torch.no_grad():
            print(step, nn.functional.cross_entropy(reader(images[1500:]), labels[1500:]).item())
    reader.train()
    at = torch.randint(0, 1500, (40,))
    adam.zero_grad()
    nn.functional.cross_entropy(reader(images[at]), labels[at]).backward()
    adam.step()
reader.eval()
with torch.no_grad():
    print("end", nn.functional.cross_entropy(reader(images[1500:]), labels[1500:]).item())
