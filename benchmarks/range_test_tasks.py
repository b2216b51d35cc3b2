"""Small trainings, each as a plain script: what `assay lr` is tried on.

    python benchmarks/range_test_tasks.py lstm-adam [--rate R] [--steps N] [--seed S]

The rules of the range test were derived from eight models with three optimizers each; six others
were added afterwards and left alone. The rate is wrong on purpose unless one is given, mostly by a
factor of 100.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent / "calibration"))
import learning_rate as known

Batch = tuple[torch.Tensor, torch.Tensor]
Task = tuple[nn.Module, Callable[[], Batch], Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]


# -- the six that the rules were not derived from -------------------------------------------------


def residual() -> Task:
    """A residual network of fully connected blocks with LayerNorm."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.a, self.b = nn.LayerNorm(48), nn.Linear(48, 96), nn.Linear(96, 48)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.b(F.relu(self.a(self.norm(x))))

    model = nn.Sequential(nn.Linear(64, 48), *(Block() for _ in range(4)), nn.Linear(48, 10))
    return model, known.digits(64), F.cross_entropy


def plain_cnn() -> Task:
    """Strided convolutions without any normalisation."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip
    return model, known.digits(64, (1, 8, 8)), F.cross_entropy


class Gru(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(2, 32, batch_first=True), nn.Linear(32, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(x)[0][:, -1])


def adding() -> Task:
    """The adding problem: the sum of the two marked numbers of a sequence."""

    def draw() -> Batch:
        x = torch.rand(64, 12, 2)
        x[..., 1] = 0
        marks = torch.rand(64, 12).topk(2).indices
        x[..., 1].scatter_(1, marks, 1.0)
        return x, (x[..., 0] * x[..., 1]).sum(1, keepdim=True)

    return Gru(), draw, F.mse_loss


class Speaker(nn.Module):
    """A causal language model of one block."""

    def __init__(self, words: int = 12, width: int = 48, length: int = 24) -> None:
        super().__init__()
        self.words, self.place = nn.Embedding(words, width), nn.Embedding(length, width)
        self.one, self.two = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.head = nn.Linear(width, words)
        self.register_buffer("mask", torch.full((length, length), -torch.inf).triu(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.words(x) + self.place.weight[: x.shape[1]]
        q, k, v = self.qkv(self.one(h)).chunk(3, dim=-1)
        scores = q @ k.transpose(-2, -1) / 48**0.5 + self.mask
        h = h + self.out(scores.softmax(-1) @ v)
        return self.head(h + self.mlp(self.two(h))).flatten(0, 1)


def language() -> Task:
    """Text from a Markov chain of second order."""
    chain = torch.randn(12, 12, 12).mul(2).softmax(-1)

    def draw() -> Batch:
        text = torch.zeros(16, 25, dtype=torch.long)
        text[:, :2] = torch.randint(0, 12, (16, 2))
        for t in range(2, 25):
            text[:, t] = torch.multinomial(chain[text[:, t - 2], text[:, t - 1]], 1).squeeze(1)
        return text[:, :-1], text[:, 1:].flatten()

    return Speaker(), draw, F.cross_entropy


def autoencoder() -> Task:
    """Digits through eight numbers and back."""
    model = nn.Sequential(
        nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 8), nn.Linear(8, 64), nn.ELU(), nn.Linear(64, 64)
    )
    images = known.digits(64)

    def draw() -> Batch:
        x, _ = images()
        return x, x

    return model, draw, F.mse_loss


def spirals() -> Task:
    """Two spirals, told apart by a tanh network with one output."""
    model = nn.Sequential(
        nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
    )

    def draw() -> Batch:
        side, turn = torch.randint(0, 2, (64, 1)).float(), 0.5 + 2.5 * torch.rand(64, 1)
        angle = 3 * turn + torch.pi * side
        return torch.cat([turn * angle.cos(), turn * angle.sin()], 1), side

    return model, draw, F.binary_cross_entropy_with_logits


Make = Callable[[Iterable[nn.Parameter], float], torch.optim.Optimizer]
MAKERS: dict[str, Make] = {
    "sgd": lambda p, rate: torch.optim.SGD(p, lr=rate),
    "momentum": lambda p, rate: torch.optim.SGD(p, lr=rate, momentum=0.9),
    "adam": lambda p, rate: torch.optim.Adam(p, lr=rate),
    "adamw": lambda p, rate: torch.optim.AdamW(p, lr=rate),
    "rmsprop": lambda p, rate: torch.optim.RMSprop(p, lr=rate),
}
# name: (task, optimizer, a rate that is wrong by about a hundred, new)
TASKS: dict[str, tuple[Callable[[], Task], str, float, bool]] = {
    "logistic-sgd": (known.logistic, "sgd", 1e-2, False),
    "mlp-momentum": (known.mlp, "momentum", 1e-3, False),
    "cnn-sgd": (known.cnn, "sgd", 5e-3, False),
    "lstm-adam": (known.lstm, "adam", 1e-4, False),
    "transformer-adamw": (known.transformer, "adamw", 5e-1, False),
    "deep-mlp-adam": (known.deep_mlp, "adam", 1e-5, False),
    "residual-sgd": (residual, "sgd", 10.0, True),
    "plain-cnn-momentum": (plain_cnn, "momentum", 5e-4, True),
    "adding-gru-adam": (adding, "adam", 1e-4, True),
    "language-adamw": (language, "adamw", 1e-4, True),
    "autoencoder-rmsprop": (autoencoder, "rmsprop", 1e-5, True),
    "spirals-sgd": (spirals, "sgd", 1e-2, True),
}
CHOSEN = tuple(TASKS)
"""What is tried unless more is asked for: six of each kind."""
TASKS |= {
    f"{task.__name__.replace('_', '-')}-{optimizer}": (task, optimizer, rate, False)
    for task in known.TASKS
    for optimizer, rate in (("sgd", 1e-2), ("momentum", 1e-3), ("adamw", 1e-4))
}


def train(name: str, rate: float, steps: int, seed: int) -> list[float]:
    """Trains and gives the loss of each step."""
    torch.manual_seed(seed)
    make, optimizer_name, _, _ = TASKS[name]
    model, draw, criterion = make()
    optimizer = MAKERS[optimizer_name](model.parameters(), rate)
    losses = []
    for _ in range(steps):
        x, y = draw()
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rate = TASKS[given.task][2] if given.rate is None else given.rate
    losses = train(given.task, rate, given.steps, given.seed)
    print(f"{given.task}: loss {losses[0]:.4g} to {losses[-1]:.4g} at rate {rate:g}")


if __name__ == "__main__":
    main()
