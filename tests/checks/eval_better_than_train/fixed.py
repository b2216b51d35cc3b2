"""A catalogue of stars, sorted by brightness; rows drawn at random are held out."""

import torch
from torch import nn

torch.manual_seed(23)
torch.set_num_threads(1)

bright = torch.sort(torch.rand(1500), descending=True).values
colour = torch.randn(1500, 5)
distance = torch.tanh(colour[:, 0] + 0.5 * colour[:, 1] * colour[:, 2])
distance = distance + (1.1 - bright) * torch.randn(1500)  # faint ones are measured badly
rows = torch.randperm(1500)
held_x, held_y = colour[rows[:250]], distance[rows[:250]]
train_x, train_y = colour[rows[250:]], distance[rows[250:]]

net = nn.Sequential(nn.Linear(5, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
loss_fn = nn.MSELoss()
for epoch in range(9):
    net.train()
    for idx in torch.randperm(1250).split(50):
        loss = loss_fn(net(train_x[idx]).squeeze(1), train_y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        held = loss_fn(net(held_x).squeeze(1), held_y)
    print(f"epoch {epoch}: train {loss.item():.3f}, held out {held.item():.3f}")
