"""REINFORCE on a bandit that depends on what is seen: three arms, the best one is written in x."""

import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.manual_seed(0)
torch.set_num_threads(1)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(6, 32)
        self.affine2 = nn.Linear(32, 3)

    def forward(self, x):
        x = torch.relu(self.affine1(x))
        return torch.softmax(self.affine2(x), dim=-1)


world = torch.randn(6, 3)
policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
baseline = 0.0

for episode in range(300):
    state = torch.randn(64, 6)
    dist = Categorical(probs=policy(state))
    action = dist.sample()
    reward = ((state @ world).argmax(1) == action).float()
    baseline = 0.9 * baseline + 0.1 * reward.mean().item()
    loss = -(dist.log_prob(action) * (reward - baseline)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 50 == 0:
        print(f"episode {episode} reward {reward.mean().item():.2f}")
