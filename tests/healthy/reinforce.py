"""REINFORCE on a small balancing task: the "loss" means nothing by itself, the return must rise."""

import os

import torch
from torch import nn
from torch.distributions import Categorical

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
UPDATES = round(28 * float(os.environ.get("LENGTH", "1")))
GAMMA = 0.97


class Pole:
    """A stick on a finger: pushes left or right, falls when it leans too far."""

    def reset(self):
        self.angle, self.speed, self.t = (torch.rand(2) * 0.1 - 0.05).tolist() + [0]
        return torch.tensor([self.angle, self.speed]) * 5

    def step(self, action):
        push = 1.0 if action == 1 else -1.0
        self.speed += 0.05 * (6 * self.angle + 1.5 * push)
        self.angle += 0.05 * self.speed
        self.t += 1
        done = abs(self.angle) > 0.4 or self.t >= 40
        return torch.tensor([self.angle, self.speed]) * 5, 1.0, done


policy = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-2)
env = Pole()
for update in range(UPDATES):
    log_probs, returns, lengths = [], [], []
    for _ in range(6):
        state, rewards, done = env.reset(), [], False
        while not done:
            dist = Categorical(logits=policy(state))
            action = dist.sample()
            log_probs.append(dist.log_prob(action))
            state, reward, done = env.step(action.item())
            rewards.append(reward)
        lengths.append(len(rewards))
        g, episode = 0.0, []
        for reward in reversed(rewards):
            g = reward + GAMMA * g
            episode.insert(0, g)
        returns += episode

    weights = torch.tensor(returns)
    weights = (weights - weights.mean()) / (weights.std() + 1e-6)
    optimizer.zero_grad()
    loss = -(torch.stack(log_probs) * weights).mean()
    loss.backward()
    optimizer.step()
    if update % 5 == 0:
        print(f"update {update}  loss {loss.item():+.3f}  mean length {sum(lengths) / 6:.1f}")
print(f"mean length at the end: {sum(lengths) / 6:.1f}")
assert sum(lengths) / 6 > 20
