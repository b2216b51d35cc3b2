"""DQN with replay and a target network on a corridor: targets move, so the loss does not simply
fall.
"""

import copy
import os
import random
from collections import deque

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
SEED = int(os.environ.get("SEED", "0"))
torch.manual_seed(SEED)
random.seed(SEED)
STEPS = round(1200 * float(os.environ.get("LENGTH", "1")))
N = 8


def observe(position):
    return F.one_hot(torch.tensor(position), N).float()


def act(position, action):
    """Left or right along a corridor; the far end pays 1 and ends the episode."""
    position = max(0, position + (1 if action else -1))
    if position == N - 1:
        return position, 1.0, True
    return position, -0.01, False


q_net = nn.Sequential(nn.Linear(N, 32), nn.ReLU(), nn.Linear(32, 2))
target_net = copy.deepcopy(q_net)
target_net.requires_grad_(False)
optimizer = torch.optim.RMSprop(q_net.parameters(), lr=2e-3)
memory = deque(maxlen=2000)
position, age = 0, 0

for step in range(STEPS):
    epsilon = max(0.1, 1 - step / (0.5 * STEPS))
    if random.random() < epsilon:
        action = random.randrange(2)
    else:
        with torch.no_grad():
            action = int(q_net(observe(position)).argmax())
    after, reward, done = act(position, action)
    memory.append((position, action, reward, after, done))
    age += 1
    position, age = (0, 0) if done or age > 60 else (after, age)

    if len(memory) < 64:
        continue
    batch = random.sample(memory, 32)
    s, a, r, s2, d = (torch.tensor(x) for x in zip(*batch, strict=True))
    q = q_net(F.one_hot(s, N).float()).gather(1, a[:, None]).squeeze(1)
    with torch.no_grad():
        best = target_net(F.one_hot(s2, N).float()).max(1).values
        goal = r + 0.95 * best * (~d).float()
    loss = F.smooth_l1_loss(q, goal)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(q_net.parameters(), 1.0)
    optimizer.step()
    if step % 100 == 0:
        target_net.load_state_dict(q_net.state_dict())

with torch.no_grad():
    best = q_net(torch.eye(N)).argmax(1)[: N - 1]
print("greedy actions along the corridor:", best.tolist())
assert best.float().mean() > 0.7
