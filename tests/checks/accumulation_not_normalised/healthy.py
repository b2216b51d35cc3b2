"""A sum over four batches, and a rate that was chosen for the sum."""

import torch
from torch import nn

torch.manual_seed(9)
torch.set_num_threads(1)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 40)
        self.classes = nn.Linear(40, 5)

    def forward(self, x):
        return self.classes(torch.relu(self.hidden(x)))


centres = torch.randn(5, 20)
label = torch.randint(0, 5, (1600,))
point = centres[label] + 0.7 * torch.randn(1600, 20)
reader, criterion = Reader(), nn.CrossEntropyLoss()
BATCHES = 4
optimizer = torch.optim.SGD(reader.parameters(), lr=0.1 / BATCHES, momentum=0.9)
for epoch in range(8):
    for group in torch.randperm(1600).split(20 * BATCHES):
        optimizer.zero_grad()
        for rows in group.split(20):
            loss = criterion(reader(point[rows]), label[rows])
            loss.backward()
        optimizer.step()
    print(epoch, round(loss.item(), 4))
assert loss.item() < 0.5
