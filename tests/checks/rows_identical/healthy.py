"""Bandits with a context: each step tries many actions in one situation, repeated as a batch."""

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(13)
torch.set_num_threads(1)

SITUATIONS, ACTIONS, TRIES = 6, 4, 24
best = torch.randint(0, ACTIONS, (SITUATIONS,))
faces = torch.randn(SITUATIONS, 8)

policy = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, ACTIONS))
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
for step in range(300):
    situation = int(torch.randint(0, SITUATIONS, ()))
    state = faces[situation].expand(TRIES, -1)
    choice = Categorical(logits=policy(state))
    action = choice.sample()
    reward = (action == best[situation]).float() + 0.1 * torch.randn(TRIES)
    advantage = reward - reward.mean()
    loss = -(choice.log_prob(action) * advantage).mean() - 0.01 * choice.entropy().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

right = (policy(faces).argmax(1) == best).float().mean()
print(f"right {right:.2f}")
