"""An actor that acts without gradients and learns from old actions, with every right spelling.

log-probabilities are logits, too; unnormalised weights are probabilities, too; and the temperature
of exploration divides probabilities before they become logits, as a Boltzmann policy over values
between 0 and 1 has it.
"""

import torch
from torch import nn
from torch.distributions import Bernoulli, Categorical, Independent
from torch.nn.functional import gumbel_softmax

torch.manual_seed(3)
torch.set_num_threads(1)

target = torch.randn(4, 3)
actor = nn.Sequential(nn.Linear(4, 24), nn.Tanh(), nn.Linear(24, 3))
switch = nn.Linear(4, 2)
value = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=-1))
optimizer = torch.optim.Adam(
    [*actor.parameters(), *switch.parameters(), *value.parameters()], lr=2e-2
)

for step in range(200):
    x = torch.randn(128, 4)
    with torch.no_grad():
        old = Categorical(logits=actor(x).log_softmax(-1))
        action = old.sample()
        kept = old.log_prob(action)
        explore = Categorical(logits=value(x) / 0.1).sample()
    reward = ((x @ target).argmax(-1) == action).float()
    advantage = reward - reward.mean()
    new = Categorical(actor(x).exp())  # weights, which torch divides by their sum
    ratio = (new.log_prob(action) - kept).exp()
    gain = torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
    bits = Independent(Bernoulli(probs=torch.sigmoid(switch(x))), 1)
    wanted = (x[:, :2] > 0).float()
    soft = gumbel_softmax(torch.log(value(x)), tau=0.5)
    regret = 1 - (soft * (x @ target).softmax(-1)).sum(-1).mean()
    loss = -gain - bits.log_prob(wanted).mean() - 0.01 * new.entropy().mean() + regret
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print(f"reward {reward.mean().item():.2f}, explored {explore.float().mean().item():.2f}")
assert reward.mean().item() > 0.6
