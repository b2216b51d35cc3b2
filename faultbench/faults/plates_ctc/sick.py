"""Reads number plates: strips of columns in, characters out."""
import torch
from torch import nn

CHARS = "-ABCDEFGH"
GLYPHS = torch.randn(len(CHARS), 3, 12, generator=torch.Generator().manual_seed(99))


def render(text, gen):
    """A strip of 24 columns: each character is three columns wide, with gaps of any width."""
    strip = torch.zeros(24, 12)
    slack = 24 - 4 * len(text)
    cuts = torch.randint(0, slack + 1, (len(text),), generator=gen).sort().values
    for k, ch in enumerate(text):
        at = 4 * k + int(cuts[k])
        strip[at : at + 3] = GLYPHS[ch]
    return strip + 0.3 * torch.randn(24, 12, generator=gen)


def make_batch(n, gen):
    lengths = torch.randint(2, 6, (n,), generator=gen)
    texts = [torch.randint(1, len(CHARS), (int(k),), generator=gen) for k in lengths]
    return torch.stack([render(t, gen) for t in texts]), texts, lengths


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(12, 48, 5, padding=2)
        self.rnn = nn.GRU(48, 32, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(64, len(CHARS))

    def forward(self, strips):
        h = torch.relu(self.conv(strips.transpose(1, 2))).transpose(1, 2)
        h, _ = self.rnn(h)
        return self.fc(h)


def greedy(scores):
    out = []
    for row in scores.argmax(-1):
        row = torch.unique_consecutive(row)
        out.append(row[row != 0].tolist())
    return out


def main():
    torch.manual_seed(6)
    torch.set_num_threads(1)
    gen = torch.Generator().manual_seed(1)
    reader = Reader()
    ctc = nn.CTCLoss(blank=0, zero_infinity=True)
    optimizer = torch.optim.Adam(reader.parameters(), lr=4e-3)
    for step in range(220):
        strips, texts, lengths = make_batch(32, gen)
        scores = reader(strips)
        log_probs = scores.permute(1, 0, 2)
        frames = torch.full((len(texts),), log_probs.size(0))
        loss = ctc(log_probs, torch.cat(texts), frames, lengths)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 5.0)
        optimizer.step()
        if step % 40 == 0:
            print(f"step {step} ctc {loss.item():.3f}")
    reader.eval()
    with torch.no_grad():
        strips, texts, _ = make_batch(300, gen)
        read = greedy(reader(strips))
    right = sum(a == b.tolist() for a, b in zip(read, texts)) / len(texts)
    print("score:", right)


main()
