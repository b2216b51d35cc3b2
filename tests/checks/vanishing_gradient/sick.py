"""A deep sigmoid network, as in the old days."""

import torch
from torch import nn

torch.manual_seed(11)
torch.set_num_threads(1)


class DeepNet(nn.Module):
    def __init__(self, depth=8, width=50):
        super().__init__()
        self.first = nn.Linear(20, width)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.last = nn.Linear(width, 4)
        self.act = nn.Sigmoid()  # expect: vanishing-gradient

    def forward(self, x):
        x = self.act(self.first(x))
        for layer in self.hidden:
            x = self.act(layer(x))
        return self.last(x)


labels = torch.randint(0, 4, (2400,))
inputs = torch.randn(4, 20)[labels] + torch.randn(2400, 20)
net = DeepNet()
sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(4):
    for idx in torch.randperm(2400).split(48):
        sgd.zero_grad()
        loss = nn.functional.cross_entropy(net(inputs[idx]), labels[idx])
        loss.backward()
        sgd.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
