"""REINFORCE: a walker on a ring has to reach the flag, which stands elsewhere each time."""
import torch
import torch.nn as nn
from torch.distributions import Categorical

RING, HORIZON = 12, 10


class PolicyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.action = nn.Linear(32, 3)

    def forward(self, obs):
        return self.action(self.shared(obs))


class Walk:
    def __init__(self, walkers):
        self.at = torch.randint(0, RING, (walkers,))
        self.flag = torch.randint(0, RING, (walkers,))

    def observe(self):
        a, f = (2 * torch.pi * p / RING for p in (self.at, self.flag))
        return torch.stack([a.cos(), a.sin(), f.cos(), f.sin()], dim=1)

    def step(self, action):
        self.at = (self.at + action - 1) % RING
        gap = (self.at - self.flag).abs()
        return 1 - torch.minimum(gap, RING - gap).float() / 3


class REINFORCE:
    def __init__(self):
        self.learning_rate, self.gamma = 3e-3, 0.6
        self.net = PolicyNetwork()
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=self.learning_rate)
        self.probs, self.rewards = [], []

    def sample_action(self, obs):
        dist = Categorical(logits=self.net(obs))
        action = dist.sample()
        self.probs.append(dist.log_prob(action))
        return action

    def update(self):
        running_g, gs = 0, []
        for reward in reversed(self.rewards):
            running_g = reward + self.gamma * running_g
            gs.insert(0, running_g)
        deltas = torch.stack(gs)
        deltas = (deltas - deltas.mean()) / (deltas.std() + 1e-6)
        log_probs = torch.stack(self.probs)
        log_prob_mean = log_probs.mean()
        loss = -torch.sum(log_prob_mean * deltas) / deltas.size(1)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.probs, self.rewards = [], []


if __name__ == "__main__":
    torch.manual_seed(101)
    torch.set_num_threads(1)
    agent = REINFORCE()
    for episode in range(300):
        walk = Walk(32)
        for _ in range(HORIZON):
            agent.rewards.append(walk.step(agent.sample_action(walk.observe())))
        if episode % 60 == 0:
            print(f"episode {episode}: reward {torch.stack(agent.rewards).mean():.3f}")
        agent.update()
    with torch.no_grad():
        walk = Walk(500)
        for _ in range(HORIZON):
            reward = walk.step(agent.net(walk.observe()).argmax(1))
    print("score:", reward.mean().item())
