"""Two rings, told apart by a small network; the model ends in a sigmoid."""

import torch
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)


class RingClassifier(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1))
        self.activation = nn.Sigmoid()

    def forward(self, points):
        return self.activation(self.layers(points)).squeeze(-1)


angle = torch.rand(1500) * 6.2832
inner = torch.rand(1500) < 0.5
radius = torch.where(inner, 1.0, 2.0) + 0.15 * torch.randn(1500)
points = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
labels = inner.float()

model = RingClassifier()
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

for epoch in range(8):
    for rows in torch.randperm(1500).split(50):
        optimizer.zero_grad()
        predicted = model(points[rows])
        loss = loss_fn(predicted, labels[rows])  # expect: sigmoid-before-bce-with-logits
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
