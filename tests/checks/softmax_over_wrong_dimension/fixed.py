"""Iris-like flowers, a classifier with log-probabilities at its end."""

import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)

species = torch.tensor([[5.0, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3.0, 5.6, 2.0]])
labels = torch.arange(3).repeat(150)
flowers = species[labels] + 0.3 * torch.randn(450, 4)
flowers = (flowers - flowers.mean(0)) / flowers.std(0)


class FlowerNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(4, 16)
        self.output = nn.Linear(16, 3)
        self.log_softmax = nn.LogSoftmax(dim=1)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        return self.log_softmax(self.output(x))


net = FlowerNet()
loss_function = nn.NLLLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(10):
    order = torch.randperm(450)
    for start in range(0, 450, 30):
        chosen = order[start : start + 30]
        log_probs = net(flowers[chosen])
        loss = loss_function(log_probs, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}")
