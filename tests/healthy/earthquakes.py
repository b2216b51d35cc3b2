"""Phases of an earthquake: their order by CTC, the span of the shaking, near and far pairs.

Training is cut in two: a checkpoint with all that has a state is written and read in between.
"""

import os
import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

SEED, LENGTH = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.set_num_threads(1)
T, PHASES = 28, 3
EPOCHS = max(int(4 * LENGTH), 2)


def traces(n):
    wave = torch.tensor([[1.0, -1.0, 0.5], [0.2, 1.0, 1.0], [-1.0, -0.5, -1.0]])
    x = 0.1 * torch.randn(n, 1, T)
    phases = torch.randint(0, PHASES, (n, 4))
    start, distance = torch.randint(0, T - 16, (n,)), torch.rand(n)
    strength = 1.5 - distance
    for k in range(4):
        for j in range(3):
            x[torch.arange(n), 0, start + 4 * k + j] += strength * wave[phases[:, k], j]
    return x, phases + 1, torch.stack([start, start + 16], 1) / T, distance


def network():
    return nn.ModuleDict({
        "wave": nn.Sequential(nn.Conv1d(1, 24, 5, padding=2), nn.BatchNorm1d(24), nn.ReLU(),
                              nn.Conv1d(24, 24, 3, padding=1), nn.BatchNorm1d(24), nn.ReLU()),
        "phase": nn.Conv1d(24, PHASES + 1, 1),
        "span": nn.Sequential(nn.Flatten(), nn.Linear(24 * T, 2)),
        "near": nn.Linear(24, 5),
    })  # fmt: skip


class Locator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        h = self.net["wave"](x)
        return self.net["phase"](h), self.net["span"](h), self.net["near"](h.std(2))


def loss_of(model, x, phases, span, distance):
    logits, guess, place = model(x)
    n = len(x)
    ctc = nn.functional.ctc_loss(
        logits.permute(2, 0, 1).log_softmax(-1), phases, (T,) * n, (4,) * n, blank=0
    )
    inside = torch.minimum(guess[:, 1], span[:, 1]) - torch.maximum(guess[:, 0], span[:, 0])
    around = torch.maximum(guess[:, 1], span[:, 1]) - torch.minimum(guess[:, 0], span[:, 0])
    near = torch.where((distance - distance.flip(0)).abs() < 0.3, 1, -1)
    pairs = nn.functional.cosine_embedding_loss(place, place.flip(0), near, margin=0.5)
    return ctc + (1 - inside / around.clamp(min=0.05)).mean() + pairs


def session(folder, epochs, train, held):
    """Trains for some epochs, going on with what lies in the folder."""
    model = Locator()
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    plateau = ReduceLROnPlateau(optimizer, patience=2, factor=0.5)
    parts = {"model": model, "ema": ema, "optimizer": optimizer, "plateau": plateau}
    file = folder / "last.pt"
    if file.exists():
        kept = torch.load(file, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(kept[name])
    values = []
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(held[0]) * 4).split(24):
            optimizer.zero_grad()
            loss_of(model, *(t[rows] for t in train)).backward()
            optimizer.step()
            ema.update_parameters(model)
        ema.eval()
        with torch.no_grad():
            parts_of = zip(*(t.split(48) for t in held))
            values.append(sum(loss_of(ema, *part).item() for part in parts_of) / 2)
        plateau.step(values[-1])
    torch.save({name: part.state_dict() for name, part in parts.items()}, file)
    return values


torch.manual_seed(SEED)
train, held = traces(384), traces(96)
with tempfile.TemporaryDirectory() as folder:
    curve = session(Path(folder), EPOCHS, train, held) + session(Path(folder), EPOCHS, train, held)
print(" ".join(f"{v:.3f}" for v in curve))
assert curve[-1] < 0.7 * curve[0]
