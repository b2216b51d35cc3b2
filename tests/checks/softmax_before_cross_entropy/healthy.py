"""A network that returns log-probabilities, trained with cross-entropy on soft and hard targets.

Log-softmax twice is log-softmax once: unusual, but right. A meter looks at probabilities, and a
second head has a loss of its own on raw outputs.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)


class TwoHeads(nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, 48), nn.ReLU())
        self.gate = nn.Linear(48, 48)
        self.classes = nn.Linear(48, classes)
        self.flag = nn.Linear(48, 1)

    def forward(self, x):
        h = self.body(x)
        h = h * torch.sigmoid(self.gate(h))
        return F.log_softmax(self.classes(h), dim=-1), self.flag(h).squeeze(-1)


centres = torch.randn(5, 12) * 2
labels = torch.randint(0, 5, (2000,))
data = centres[labels] + torch.randn(2000, 12)
flags = (data[:, 0] > 0).float()

net = TwoHeads(12, 5)
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
smooth = nn.CrossEntropyLoss(label_smoothing=0.1)

for step in range(150):
    i = torch.randint(0, 2000, (50,))
    log_probs, flag = net(data[i])
    if step % 2:
        targets = 0.9 * F.one_hot(labels[i], 5) + 0.02
        loss = F.cross_entropy(log_probs, targets)
    else:
        loss = smooth(log_probs, labels[i])
    loss = loss + 0.5 * F.binary_cross_entropy_with_logits(flag, flags[i])
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    metric = F.cross_entropy(log_probs.exp().detach(), labels[i])  # a number for the log only

print("last loss", round(loss.item(), 3), "metric", round(metric.item(), 3))
