"""Policy gradients: episodes are played in evaluation mode, dropout off, and their graphs are kept
on purpose, for the loss that is taken of all of them afterwards.
"""

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(2)
torch.set_num_threads(1)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Dropout(0.1))
        self.head = nn.Linear(32, 3)

    def forward(self, state):
        return self.head(self.body(state))


def play(policy, length=8):
    """Steps to where the largest of the first three numbers stands are rewarded."""
    policy.eval()
    logs, rewards = [], []
    for _ in range(length):
        state = torch.randn(16, 4)
        choice = Categorical(logits=policy(state))
        action = choice.sample()
        logs.append(choice.log_prob(action))
        rewards.append((action == state[:, :3].argmax(1)).float())
    policy.train()
    return torch.stack(logs), torch.stack(rewards)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
baseline = 0.0
for episode in range(120):
    logs, rewards = play(policy)
    loss = -(logs * (rewards - baseline)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    baseline = 0.9 * baseline + 0.1 * rewards.mean().item()
    if episode % 20 == 19:
        print(f"episode {episode}: reward {rewards.mean().item():.3f}")

with torch.no_grad():
    policy.eval()
    state = torch.randn(500, 4)
    print("greedy", (policy(state).argmax(1) == state[:, :3].argmax(1)).float().mean().item())
