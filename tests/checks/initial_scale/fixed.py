"""Which of ten prototypes is it? A perceptron with two hidden layers."""

import torch
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)


def start(layer):
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_normal_(layer.weight)
        layer.bias.data.zero_()


prototypes = torch.randn(10, 64)
labels = torch.randint(0, 10, (1500,))
images = prototypes[labels] + 1.2 * torch.randn(1500, 64)

network = nn.Sequential(
    nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
)
network.apply(start)
optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
for epoch in range(5):
    for chosen in torch.randperm(1500).split(50):
        loss = nn.functional.cross_entropy(network(images[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}")
