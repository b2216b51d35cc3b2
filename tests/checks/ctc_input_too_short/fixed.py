"""Reads short strings of digits out of a strip of columns, by CTC."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)
DIGITS, BLANK, COLUMNS = 5, 0, 8

glyphs = torch.randn(DIGITS + 1, 12)


def strips(n, digits=4):
    text = torch.randint(1, DIGITS + 1, (n, digits))
    picture = torch.zeros(n, 12, digits * COLUMNS)
    for i in range(digits):
        picture[:, :, i * COLUMNS + 2 : i * COLUMNS + 6] = glyphs[text[:, i]].unsqueeze(-1)
    return picture + 0.2 * torch.randn_like(picture), text


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(12, 32, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv1d(32, 32, 3, stride=2, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Conv1d(32, DIGITS + 1, 1)

    def forward(self, x):
        return self.head(self.features(x)).permute(2, 0, 1).log_softmax(-1)


reader = Reader()
optimizer = torch.optim.Adam(reader.parameters(), lr=3e-3)
for step in range(150):
    pictures, text = strips(24)
    log_probs = reader(pictures)
    given = torch.full((24,), log_probs.shape[0])
    long = torch.full((24,), text.shape[1])
    loss = F.ctc_loss(log_probs, text, given, long, blank=BLANK)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(reader.parameters(), 5.0)
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
