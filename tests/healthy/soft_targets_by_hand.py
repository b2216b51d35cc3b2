"""Soft targets in every spelling: smoothing by hand, one-hot rows, a teacher's attention.

Probabilities stand as targets of kl_div, binary and plain cross-entropy; losses written out with
log-probabilities; and a reward that makes the whole loss negative.
"""

import os

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))
CLASSES, WORDS = 4, 6


class Attentive(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.look, self.say = nn.Linear(width, 1), nn.Linear(width, CLASSES)

    def forward(self, words):
        scores = self.look(words).squeeze(-1)
        weights = torch.softmax(scores, dim=-1)
        return scores, weights, self.say(torch.einsum("nw,nwd->nd", weights, words))


def batch(n=64):
    said = torch.randint(0, CLASSES, (n, WORDS))
    marked = torch.randint(0, WORDS, (n,))
    words = torch.cat([F.one_hot(said, CLASSES), F.one_hot(marked, WORDS).unsqueeze(-1)], -1)
    return words.float(), said[torch.arange(n), marked]


def train(net, loss_of, steps):
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
    for _ in range(int(steps * LENGTH)):
        words, label = batch()
        optimizer.zero_grad()
        loss = loss_of(words, label, *net(words))
        loss.backward()
        optimizer.step()
    return loss.item()


def plainly(words, label, scores, weights, logits):
    smooth = torch.full((len(label), CLASSES), 0.1 / CLASSES)
    smooth.scatter_(1, label[:, None], 0.9 + 0.1 / CLASSES)
    return -(smooth * logits.log_softmax(-1)).sum(1).mean()


teacher, student = Attentive(CLASSES + 1), Attentive(CLASSES + 1)
train(teacher, plainly, 150)
teacher.requires_grad_(False)


def taught(words, label, scores, weights, logits):
    _, guide, answer = teacher(words)
    one_hot = F.one_hot(label, CLASSES).float()
    loss = F.kl_div(F.log_softmax(scores, -1), guide, reduction="batchmean")
    loss = loss + F.kl_div(logits.log_softmax(1), answer.softmax(1), reduction="batchmean")
    loss = loss + 0.1 * F.binary_cross_entropy_with_logits(logits, one_hot)
    loss = loss + 0.1 * F.cross_entropy(logits, one_hot)
    loss = loss + 0.1 * F.binary_cross_entropy(weights, guide.clamp(0, 1))
    right = logits.softmax(1)[torch.arange(len(label)), label]
    return loss - 4 * right.mean()  # an expected reward


print("loss", train(student, taught, 150))
words, label = batch(1000)
accuracy = (student(words)[2].argmax(1) == label).float().mean().item()
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.9
