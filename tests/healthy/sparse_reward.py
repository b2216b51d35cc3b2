"""Q-learning where nothing is paid for a long time: losses are nearly zero until the
treasure is found.
"""

import copy
import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(900 * float(os.environ.get("LENGTH", "1")))
CELLS, FOUND_AT = 10, 150

q = nn.Sequential(nn.Linear(CELLS, 48), nn.ReLU(), nn.Linear(48, 2))
nn.init.zeros_(q[2].weight)
nn.init.zeros_(q[2].bias)
target = copy.deepcopy(q).requires_grad_(False)
optimizer = torch.optim.Adam(q.parameters(), lr=2e-3)
for step in range(STEPS):
    # transitions of a random walker, who can't pass the door before it opens
    s, a = torch.randint(CELLS - 1, (48,)), torch.randint(2, (48,))
    s2 = (s + 2 * a - 1).clamp(0, CELLS - 1)
    reward = ((s2 == CELLS - 1) & (step >= FOUND_AT)).float() * 10
    with torch.no_grad():
        ahead = target(F.one_hot(s2, CELLS).float()).max(1).values
    goal = reward + 0.9 * ahead * (s2 != CELLS - 1)
    value = q(F.one_hot(s, CELLS).float()).gather(1, a[:, None]).squeeze(1)
    loss = F.mse_loss(value, goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        target.load_state_dict(q.state_dict())
with torch.no_grad():
    values = q(torch.eye(CELLS)).max(1).values[:-1]
print("values along the way", [round(v, 2) for v in values.tolist()])
assert values[-1] > 7
