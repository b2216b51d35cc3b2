"""Advantage actor-critic with an entropy bonus on a grid: one loss out of three parts with
different signs.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
UPDATES = round(250 * float(os.environ.get("LENGTH", "1")))
SIDE, WORLDS, HORIZON = 5, 16, 8
MOVES = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2 * SIDE, 64), nn.Tanh())
        self.pi = nn.Linear(64, 4)
        self.v = nn.Linear(64, 1)

    def forward(self, place):
        h = self.body(F.one_hot(place, SIDE).float().flatten(1))
        return torch.distributions.Categorical(logits=self.pi(h)), self.v(h).squeeze(1)


model = ActorCritic()
optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3, alpha=0.99, eps=1e-5)
place = torch.zeros(WORLDS, 2, dtype=torch.long)
goal = torch.tensor([SIDE - 1, SIDE - 1])
scores = []
for update in range(UPDATES):
    logps, values, rewards, alive, entropies = [], [], [], [], []
    for _ in range(HORIZON):
        dist, value = model(place)
        action = dist.sample()
        place = (place + MOVES[action]).clamp(0, SIDE - 1)
        done = (place == goal).all(1)
        rewards.append(done.float() - 0.02)
        place = torch.where(done[:, None], 0, place)
        logps.append(dist.log_prob(action))
        entropies.append(dist.entropy())
        values.append(value)
        alive.append(~done)
    with torch.no_grad():
        ahead = model(place)[1]
    returns = []
    for reward, goes_on in zip(reversed(rewards), reversed(alive), strict=True):
        ahead = reward + 0.95 * ahead * goes_on
        returns.insert(0, ahead)
    returns, values = torch.stack(returns), torch.stack(values)
    advantage = (returns - values).detach()
    policy_loss = -(torch.stack(logps) * advantage).mean()
    value_loss = F.mse_loss(values, returns)
    loss = policy_loss + 0.5 * value_loss - 0.01 * torch.stack(entropies).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    scores.append(torch.stack(rewards).mean().item())
first, last = sum(scores[:20]) / 20, sum(scores[-20:]) / 20
print(f"reward per move {first:.3f} -> {last:.3f} (best possible about 0.1)")
assert last > 0.05
