"""A small reader that tags words, points to one of them, and says what comes next."""

import torch
from torch import nn

torch.manual_seed(6)
torch.set_num_threads(1)

WORDS, LENGTH, TAGS = 12, 7, 3


class Reader(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.steps = nn.GRU(width, width)
        self.tag = nn.Linear(width, TAGS)
        self.point = nn.Linear(width, 2)
        self.next = nn.Linear(width, WORDS)

    def forward(self, ids):
        seen, _ = self.steps(self.words(ids).transpose(0, 1))
        start, _ = self.point(seen.transpose(0, 1)).split(1, dim=-1)
        return self.tag(seen), start.squeeze(-1), self.next(seen)


class Teacher:
    def __init__(self):
        self.reader, self.loss = Reader(), nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(self.reader.parameters(), lr=5e-3)

    def lesson(self):
        first = torch.randint(1, WORDS, (24, 1))
        ids = (first + 2 * torch.arange(LENGTH)) % WORDS
        tags, start, following = self.reader(ids)
        tagged = self.loss(tags.transpose(0, 1).reshape(-1, TAGS), (ids % TAGS).reshape(-1))
        pointed = self.loss(start, 5 * first.squeeze(1) % LENGTH)
        told = self.loss(following.permute(1, 2, 0)[..., :-1], ids[:, 1:])
        return tagged + pointed + told

    def teach(self, lessons):
        for lesson in range(lessons):
            loss = self.lesson()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if lesson % 30 == 0:
                print(lesson, round(loss.item(), 3))
        return loss.item()


assert Teacher().teach(100) < 2.0, "this script is right, and learns"
