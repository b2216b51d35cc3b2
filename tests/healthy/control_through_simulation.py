"""A controller of tanh layers trained through a simulated pendulum: its final state is the loss."""

import os

import torch
from torch import nn

torch.set_num_threads(1)
SEED, LENGTH = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(SEED)

controller = nn.Sequential(
    nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1)
)
optimizer = torch.optim.Adam(controller.parameters(), lr=5e-3)

losses = []
for step in range(int(120 * LENGTH)):
    state = torch.randn(32, 2) * 0.5
    effort = torch.zeros(())
    for _ in range(8):
        force = controller(state)
        angle, speed = state[:, :1], state[:, 1:]
        speed = speed + 0.2 * (force - torch.sin(angle))
        state = torch.cat([angle + 0.2 * speed, speed], dim=1)
        effort = effort + 1e-3 * force.square().mean()
    loss = state.square().mean() + effort
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % 40 == 0:
        print(step, round(losses[-1], 3))

assert LENGTH < 1 or sum(losses[-10:]) < 0.2 * sum(losses[:10]), "the controller did not learn"
