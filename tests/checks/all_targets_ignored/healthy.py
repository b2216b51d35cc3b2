"""Named entities: most tokens have the label -100, and some batches have no other.

Batches without a label are noticed, and passed over: once before the loss, once after it.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)

words = torch.randint(0, 60, (1200, 9))
kind = words % 4
labels = torch.where(torch.rand(1200, 9) < 0.08, kind, -100)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(60, 24)
        self.lstm = nn.LSTM(24, 24, batch_first=True, bidirectional=True)
        self.out = nn.Linear(48, 4)

    def forward(self, tokens):
        return self.out(self.lstm(self.embed(tokens))[0])


tagger = Tagger()
optimizer = torch.optim.AdamW(tagger.parameters(), lr=5e-3)
passed = steps = 0
for epoch in range(2):
    for rows in torch.randperm(1200).split(3):
        if epoch == 0 and (labels[rows] == -100).all():
            passed += 1
            continue
        loss = F.cross_entropy(tagger(words[rows]).flatten(0, 1), labels[rows].flatten())
        if torch.isnan(loss):
            passed += 1
            continue
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += 1

with torch.no_grad():
    accuracy = (tagger(words).argmax(2) == kind).float().mean().item()
print(f"{steps} steps, {passed} batches passed over, accuracy {accuracy:.2f}")
assert passed > 10
assert accuracy > 0.9, "this script is right, and learns"
