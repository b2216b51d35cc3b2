"""Spam or not, by word counts; the labels are 0 and 1."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(10)
torch.set_num_threads(1)

words = torch.poisson(torch.rand(1200, 30))
weights = torch.randn(30)
spam = ((words - words.mean(0)) @ weights + 0.1 > 0).float()
words = torch.log1p(words)

net = nn.Sequential(nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

for step in range(200):
    i = torch.randint(0, 1200, (64,))
    score = net(words[i]).squeeze(1)
    loss = F.binary_cross_entropy_with_logits(score, spam[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 40 == 0:
        print(f"{step:4d} {loss.item():.3f}")
