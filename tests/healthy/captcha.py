"""Captchas: letters by CTC, the box by centre and size, and whether two were drawn by one machine.

The trainer keeps an average of the weights whose decay warms up, and copies the buffers; where a
checkpoint is resumed, weights and the optimizer's moments both are.
"""

import copy
import io
import os
from dataclasses import dataclass, field

import torch
import torch.nn as nn

torch.set_num_threads(1)


@dataclass
class Config:
    seed: int = int(os.environ.get("SEED", "0"))
    epochs: int = max(int(8 * float(os.environ.get("LENGTH", "1"))), 4)
    batch: int = 40
    alphabet: int = 6
    letters: int = 4
    columns: int = 18
    rate: float = 4e-3
    weights: dict = field(default_factory=lambda: {"text": 1.0, "box": 2.0, "pair": 0.5})


def draw(config, count, fonts):
    font = torch.randint(0, 2, (count,))
    text = torch.randint(0, config.alphabet, (count, config.letters))
    start = torch.randint(0, config.columns - 2 * config.letters, (count,))
    image = 0.15 * torch.randn(count, 8, config.columns)
    for k in range(config.letters):
        strokes = fonts[font, text[:, k]]
        for shift in (0, 1):
            image[torch.arange(count), :, start + 2 * k + shift] += strokes
    size = torch.full((count,), 2.0 * config.letters)
    return image, text + 1, torch.stack([start + size / 2, size], 1) / config.columns, font


class Solver(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.first = nn.Conv1d(8, 40, 3, padding=1)
        self.norm = nn.BatchNorm1d(40)
        self.second = nn.Conv1d(40, 40, 3, padding=1)
        self.norm2 = nn.BatchNorm1d(40)
        self.text = nn.Conv1d(40, config.alphabet + 1, 1)
        self.box = nn.Linear(40 * config.columns, 2)
        self.font = nn.Linear(40, 8)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x)))
        x = torch.relu(self.norm2(self.second(x)))
        return {
            "text": self.text(x).permute(2, 0, 1).log_softmax(2),
            "box": torch.sigmoid(self.box(x.flatten(1))),
            "font": self.font(x.mean(2)),
        }


class Trainer:
    def __init__(self, config):
        torch.manual_seed(config.seed)
        self.config = config
        fonts = torch.randn(2, config.alphabet, 8)
        self.train_set, self.test_set = draw(config, 600, fonts), draw(config, 160, fonts)
        self.model = Solver(config)
        self.ema = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.RAdam(self.model.parameters(), lr=config.rate)
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, patience=2)
        self.ctc, self.pair = nn.CTCLoss(), nn.CosineEmbeddingLoss(margin=0.1)
        self.updates = 0

    def loss(self, out, text, box, font):
        lengths = torch.full((len(text),), text.shape[1])
        frames = torch.full((len(text),), out["text"].shape[0])
        middle, size = out["box"].unbind(1)
        low, high = box[:, 0] - box[:, 1] / 2, box[:, 0] + box[:, 1] / 2
        begin, end = middle - size / 2, middle + size / 2
        overlap = (torch.minimum(end, high) - torch.maximum(begin, low)).clamp(min=0)
        union = torch.maximum(end, high) - torch.minimum(begin, low)
        half = len(font) // 2
        target = 2.0 * (font[:half] == font[half:]) - 1
        terms = {
            "text": self.ctc(out["text"], text, frames, lengths),
            "box": (1 - overlap / union).mean(),
            "pair": self.pair(out["font"][:half], out["font"][half:], target),
        }
        return sum(self.config.weights[name] * term for name, term in terms.items())

    @torch.no_grad()
    def average(self):
        self.updates += 1
        keep = min(0.98, (1 + self.updates) / (10 + self.updates))
        new = self.model.state_dict()
        for name, value in self.ema.state_dict().items():
            if value.dtype.is_floating_point:
                value.mul_(keep).add_(new[name], alpha=1 - keep)
            else:
                value.copy_(new[name])

    def epoch(self):
        self.model.train()
        for rows in torch.randperm(600).split(self.config.batch):
            image, *labels = (t[rows] for t in self.train_set)
            loss = self.loss(self.model(image), *labels)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 20.0)
            self.optimizer.step()
            self.average()

    @torch.no_grad()
    def evaluate(self):
        self.ema.eval()
        image, *labels = self.test_set
        parts = zip(image.split(80), *(t.split(80) for t in labels))
        return sum(self.loss(self.ema(x), *y).item() for x, *y in parts) / 2

    def resume(self):
        file = io.BytesIO()
        torch.save({"model": self.model.state_dict(), "opt": self.optimizer.state_dict()}, file)
        file.seek(0)
        kept = torch.load(file)
        self.model.load_state_dict(kept["model"])
        self.optimizer.load_state_dict(kept["opt"])


if __name__ == "__main__":
    trainer = Trainer(Config())
    values = []
    for number in range(trainer.config.epochs):
        if number == 3:
            trainer.resume()
        trainer.epoch()
        values.append(trainer.evaluate())
        trainer.scheduler.step(values[-1])
        print(f"epoch {number}: {values[-1]:.3f}")
    assert min(values) < 0.4 * values[0]
