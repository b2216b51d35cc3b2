"""Sound events: when the song of a bird lies in a minute, its syllables, and which is the louder.

SWA over the last epochs beside a constant rate that a plateau cuts; update_bn before each look.
"""

import os

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.data import DataLoader, Dataset

seed = int(os.getenv("SEED", "0"))
epochs = max(int(7 * float(os.getenv("LENGTH", "1"))), 4)
torch.manual_seed(seed)
torch.set_num_threads(1)

FRAMES, BANDS, SYLLABLES = 24, 10, 4
SPECTRA = torch.rand(SYLLABLES, BANDS) ** 2


class Songs(Dataset):
    def __init__(self, size, seed):
        self.seeds = range(seed, seed + size)

    def __len__(self):
        return len(self.seeds)

    def __getitem__(self, index):
        g = torch.Generator().manual_seed(self.seeds[index])
        count = int(torch.randint(2, 5, (), generator=g))
        syllables = torch.randint(0, SYLLABLES, (count,), generator=g)
        begin = int(torch.randint(0, FRAMES - 4 * count, (), generator=g))
        loudness = 0.7 + torch.rand((), generator=g)
        sound = 0.05 * torch.randn(FRAMES, BANDS, generator=g).abs()
        for k, syllable in enumerate(syllables.tolist()):
            sound[begin + 4 * k : begin + 4 * k + 3] += loudness * SPECTRA[syllable]
        said = torch.zeros(4, dtype=torch.long)
        said[:count] = syllables + 1
        return sound, said, count, torch.tensor([begin, begin + 4.0 * count]) / FRAMES, loudness


class Detector(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv1d(BANDS, 32, 5, padding=2),
            nn.BatchNorm1d(32),
            nn.LeakyReLU(0.1),
            nn.Conv1d(32, 32, 5, padding=2),
            nn.BatchNorm1d(32),
            nn.LeakyReLU(0.1),
        )
        self.heads = nn.ModuleDict(
            {
                "say": nn.Linear(32, SYLLABLES + 1),
                "when": nn.Linear(32, 1),
                "loud": nn.Linear(32, 1),
            }
        )

    def forward(self, sound):
        x = sound.log1p().transpose(1, 2)
        for layer in list(self)[:6]:
            x = layer(x)
        x = x.transpose(1, 2)
        where = self.heads["when"](x).squeeze(2)
        early, late = where.softmax(1), (-where).softmax(1)
        clock = torch.arange(FRAMES) / FRAMES
        ends = torch.stack([early @ clock, late @ clock], 1).sort(1).values
        return self.heads["say"](x), ends, self.heads["loud"](x).mean(1)[:, 0]


ctc = nn.CTCLoss(zero_infinity=True)
ranking = nn.MarginRankingLoss(margin=0.1)


def objective(outputs, batch):
    say, ends, loud = outputs
    _, said, counts, span, loudness = batch
    frames = torch.full_like(counts, FRAMES)
    words = ctc(say.log_softmax(2).transpose(0, 1), said, frames, counts)
    inside = torch.min(ends[:, 1], span[:, 1]) - torch.max(ends[:, 0], span[:, 0])
    outside = torch.max(ends[:, 1], span[:, 1]) - torch.min(ends[:, 0], span[:, 0])
    place = 1 - (inside / outside.clamp(min=1e-3)).mean()
    louder = torch.where(loudness > loudness.roll(1), 1.0, -1.0)
    return words + place + ranking(loud, loud.roll(1), louder)


train = DataLoader(Songs(480, 1000 * seed), batch_size=24, shuffle=True, drop_last=True)
valid = DataLoader(Songs(96, 1000 * seed + 500), batch_size=32)
model = Detector()
swa = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, nesterov=True)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.3)
values = []
for epoch in range(epochs):
    model.train()
    for batch in train:
        optimizer.zero_grad(set_to_none=True)
        loss = objective(model(batch[0]), batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 50.0)
        optimizer.step()
    if epoch >= 1:
        swa.update_parameters(model)
        update_bn((batch[0] for batch in train), swa)
        swa.eval()
    judged = swa if epoch >= 1 else model.eval()
    with torch.no_grad():
        values.append(sum(objective(judged(b[0]), b).item() for b in valid) / len(valid))
    plateau.step(values[-1])
    print(f"epoch {epoch}: {loss.item():.3f}, held out {values[-1]:.3f}")
assert values[-1] < 0.7 * values[0]
