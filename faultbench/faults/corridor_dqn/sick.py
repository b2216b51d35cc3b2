"""Deep Q-learning on a corridor: walk to the treasure, avoid the pit, do not dawdle."""
import copy
import random
from collections import deque, namedtuple

import torch
import torch.nn as nn

random.seed(2)
torch.manual_seed(2)
torch.set_num_threads(1)

Transition = namedtuple("Transition", "state action reward next_state done")
LENGTH, GAMMA = 10, 0.97


class Corridor:
    """Cells 0 (pit) to 9 (treasure). Both end the episode, and the next one starts at cell 3."""

    def reset(self):
        self.at, self.clock = 3, 0
        return self.at

    def step(self, action):
        self.at += 1 if action == 1 else -1
        self.clock += 1
        if self.at == 0:
            return self.at, -1.0, True
        if self.at == LENGTH - 1:
            return self.at, 1.0, True
        return self.at, -0.01, False


class ReplayMemory:
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return Transition(*zip(*random.sample(self.memory, batch_size)))


def one_hot(cells):
    return nn.functional.one_hot(torch.as_tensor(cells), LENGTH).float()


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(LENGTH, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, cells):
        return self.net(one_hot(cells))


policy_net = QNet()
target_net = copy.deepcopy(policy_net)
optimizer = torch.optim.Adam(policy_net.parameters(), lr=2e-3)
memory = ReplayMemory(3000)
env = Corridor()


def optimize_model():
    batch = memory.sample(64)
    action = torch.tensor(batch.action).unsqueeze(1)
    reward = torch.tensor(batch.reward).unsqueeze(1)
    q = policy_net(batch.state).gather(1, action)
    with torch.no_grad():
        next_q = target_net(batch.next_state).max(1, keepdim=True).values
    target = reward + GAMMA * next_q
    loss = nn.functional.smooth_l1_loss(q, target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


steps, episode = 0, 0
while steps < 1500:
    state, done = env.reset(), False
    episode += 1
    while not done and env.clock < 60:
        epsilon = max(0.1, 1 - steps / 600)
        if random.random() < epsilon:
            action = random.randrange(2)
        else:
            with torch.no_grad():
                action = policy_net([state]).argmax().item()
        next_state, reward, done = env.step(action)
        memory.push(state, action, reward, next_state, float(done))
        state = next_state
        steps += 1
        if len(memory.memory) >= 200:
            optimize_model()
        if steps % 40 == 0:
            target_net.load_state_dict(policy_net.state_dict())
print("episodes", episode)

# how far are the values of walking on from those that discounting gives?
truth, value = [], 1.0
for _ in range(LENGTH - 2):
    truth.append(value)
    value = -0.01 + GAMMA * value
with torch.no_grad():
    learnt = policy_net(list(range(LENGTH - 2, 0, -1)))[:, 1]
print("score:", 1 - (learnt - torch.tensor(truth)).abs().mean().item())
