"""Morse: letters from an envelope by CTC, the span of the call, and pairs from one operator.

An average of the weights by hand; its statistics are computed anew before each evaluation.
"""

import copy
import os

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim.swa_utils import update_bn

SEED = int(os.environ.get("SEED", 0))
LENGTH = float(os.environ.get("LENGTH", 1))
torch.manual_seed(SEED)
torch.set_num_threads(1)

LETTERS = {1: ".-", 2: "-.", 3: "..", 4: "--"}
T = 40


def call(letters, speed):
    on = []
    for letter in letters:
        for sign in LETTERS[letter]:
            on += [1.0] * (1 if sign == "." else 3) + [0.0]
        on += [0.0] * 2
    begin = int(torch.randint(0, T - len(on) + 1, ()))
    envelope = torch.zeros(T)
    envelope[begin : begin + len(on)] = torch.tensor(on)
    return torch.stack([envelope, speed * envelope]), (begin / T, (begin + len(on)) / T)


def transmissions(n):
    x, text, span, operator = [], [], [], torch.randint(0, 2, (n,))
    for who in operator:
        letters = torch.randint(1, 5, (2,)).tolist()
        envelope, ends = call(letters, speed=1.0 - 2.0 * who)
        x.append(envelope + 0.1 * torch.randn(2, T))
        text.append(letters)
        span.append(ends)
    return torch.stack(x), torch.tensor(text), torch.tensor(span), operator


class Net(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.conv = nn.Sequential()
        for i, (inside, dilation) in enumerate([(2, 1), (width, 2), (width, 4)]):
            self.conv.add_module(f"c{i}", nn.Conv1d(inside, width, 3, 1, dilation, dilation))
            self.conv.add_module(f"n{i}", nn.BatchNorm1d(width))
            self.conv.add_module(f"a{i}", nn.SiLU())
        self.letters = nn.Linear(width, 5)
        self.ends = nn.Linear(width * T, 2)

    def forward(self, x):
        h = self.conv(x)
        begin, size = self.ends(h.flatten(1)).sigmoid().unbind(1)
        return self.letters(h.permute(2, 0, 1)).log_softmax(-1), begin, begin + size, h.mean(2)


def criterion(output, text, span, operator):
    letters, begin, end, voice = output
    n = len(text)
    ctc = F.ctc_loss(letters, text, [T] * n, [2] * n)
    left, right = span.unbind(1)
    shared = (torch.min(end, right) - torch.max(begin, left)).clamp_min(0)
    joined = torch.max(end, right) - torch.min(begin, left)
    same = torch.where(operator == operator.flip(0), 1, -1)
    alike = F.cosine_embedding_loss(voice, voice.flip(0), same, margin=0.2)
    return ctc + (1 - shared / joined).mean() + alike


train, valid = transmissions(480), transmissions(96)
net = Net()
slow = copy.deepcopy(net)
opt = optim.Adam(net.parameters(), lr=3e-3)
plateau = optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=1)
history = []
for epoch in range(max(int(8 * LENGTH), 3)):
    net.train()
    for idx in torch.randperm(480).split(24):
        opt.zero_grad()
        x, *labels = (t[idx] for t in train)
        criterion(net(x), *labels).backward()
        opt.step()
        with torch.no_grad():
            for a, b in zip(slow.parameters(), net.parameters()):
                a.lerp_(b, 0.1)
    update_bn(train[0].split(48), slow)
    slow.eval()
    with torch.inference_mode():
        values = []
        for part in zip(*(t.split(32) for t in valid)):
            values.append(criterion(slow(part[0]), *part[1:]).item())
    history.append(sum(values) / len(values))
    plateau.step(history[-1])
print(" ".join(f"{v:.3f}" for v in history))
assert history[-1] < 0.6 * history[0]
