"""How gradients change with depth, how far units die and saturate: in nets that are well and ill.

    python benchmarks/calibration/gradient_depth.py            # a table of all workloads python
    benchmarks/calibration/gradient_depth.py NAME       # trains one of them (run under assay)

Each workload trains on the bundled digits for 120 steps. Columns: fall of the training loss (last
tenth over first tenth of the steps), gradient of the first weight matrix over the largest one
(root mean square, medians over the samples), share of pairs of layers whose gradient rises with
depth, largest and smallest median update ratio of a matrix, largest gradient over the running
median of those before, largest share of dead units, largest median saturated share."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import mean, median

SEEDS = (0, 1)
STEPS = 120


def build(name: str):  # torch is imported in the child only
    """Model and optimizer of one workload, named `kind-depth-optimizer[-what]`."""
    import torch
    from torch import nn

    kind, depth, optimizer, *what = name.split("-")
    layers = int(depth)
    act = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}
    width = 256 if "wide" in what else 64

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.up, self.down = nn.LayerNorm(64), nn.Linear(64, 64), nn.Linear(64, 64)
            if "zero" in what:
                nn.init.zeros_(self.down.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.down(torch.relu(self.up(self.norm(x))))

    if kind == "residual":
        model = nn.Sequential(
            nn.Linear(64, 64), *(Residual() for _ in range(layers)), nn.Linear(64, 10)
        )
    elif kind == "transformer":
        block = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)

        class Rows(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.embed, self.head = nn.Linear(8, 32), nn.Linear(32, 10)
                self.encoder = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.head(self.encoder(self.embed(x.view(-1, 8, 8))).mean(1))

        model = Rows()
    elif kind == "rnn":

        class Recurrent(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.rnn, self.head = nn.RNN(1, 64, layers, batch_first=True), nn.Linear(64, 10)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.head(self.rnn(x.unsqueeze(2))[0][:, -1])

        model = Recurrent()
    else:
        parts: list[nn.Module] = []
        for i in range(layers):
            parts.append(nn.Linear(width if i else 64, width))
            if "norm" in what:
                parts.append(nn.BatchNorm1d(width))
            parts.append(act[kind]())
        model = nn.Sequential(*parts, nn.Linear(width, 10))
        if "he" in what:
            for m in model:
                if isinstance(m, nn.Linear):
                    nn.init.kaiming_normal_(m.weight)
        if "big" in what:
            for m in model:
                if isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, std=1.0)
        if "offset" in what:
            for m in model:
                if isinstance(m, nn.Linear):
                    nn.init.constant_(m.bias, -1.0)
    rate = {"sgd": 0.1, "sgdfast": 1.0, "adam": 1e-3, "adamfast": 3e-2}[optimizer]
    make = torch.optim.SGD if optimizer.startswith("sgd") else torch.optim.Adam
    return model, make(model.parameters(), lr=rate)


def train(name: str, seed: int) -> None:
    """Trains one workload."""
    import torch
    from torch.nn import functional

    from assay.demo.digits import load

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    x, y = load()
    x = x / 16
    x = x * 16 if name.endswith("raw") else (x - x.mean()) / x.std()
    model, optimizer = build(name)
    for _ in range(STEPS):
        index = torch.randint(0, len(x), (64,))
        optimizer.zero_grad()
        functional.cross_entropy(model(x[index]), y[index]).backward()
        optimizer.step()


HEALTHY = (
    "relu-2-sgd", "relu-2-adam", "relu-2-adam-wide", "relu-6-adam", "relu-8-adam-he",
    "relu-8-sgd-he", "relu-3-adamfast", "relu-2-sgdfast", "tanh-3-sgd", "tanh-6-adam",
    "tanh-2-adamfast", "gelu-5-adam", "sigmoid-1-sgd", "sigmoid-2-adam", "relu-10-sgd-norm",
    "sigmoid-4-adam-norm", "residual-8-sgd", "residual-8-adam-zero", "residual-24-adam",
    "transformer-2-adam", "transformer-4-sgd", "rnn-1-adam",
)  # fmt: skip
SICK = (
    "sigmoid-5-sgd", "sigmoid-8-sgd", "sigmoid-8-adam", "tanh-30-sgd", "relu-20-sgd",
    "relu-30-adam", "tanh-4-sgd-big", "sigmoid-3-sgd-big", "tanh-4-adam-big", "relu-6-sgd-big",
    "relu-3-sgd-offset", "tanh-6-sgdfast-raw", "relu-4-adamfast-raw",
)  # fmt: skip


def row(name: str, seed: int) -> str:
    """One line of the table."""
    from assay.observe import observe
    from assay.signals.ratios import (
        rising_share,
        rms_by_depth,
        typical,
        update_ratio,
        weight_matrices,
    )

    with tempfile.TemporaryDirectory() as scratch:
        run = observe([__file__, name, str(seed)], run_dir=Path(scratch) / "run").view
    training = run.trainings[0]
    loss = list(training.series("loss").values)
    tenth = len(loss) // 10
    fall = mean(loss[-tenth:]) / mean(loss[:tenth])
    depth = rms_by_depth(run, training)
    values = [v for _, v in depth]
    top = max(values)
    moves = [typical(update_ratio(training, p.name)) for p in weight_matrices(run, training)]
    norms = list(training.series("grad_norm").values)
    spike = max(n / median(norms[:i]) for i, n in enumerate(norms) if i >= 8)
    dead = [training.series("dead_unit_share", p).last for p in training.places("dead_unit_share")]
    signal = "activation_saturated_share"
    full = [typical(training.series(signal, p)) for p in training.places(signal)]
    return (
        f"{name:24} {seed:3} {fall:8.3f} {values[0] / top if top else 0:10.1e}"
        f" {rising_share(values):6.2f}"
        f" {max(moves):9.1e} {min(moves):9.1e} {spike:8.1f} {max(dead, default=0):6.2f}"
        f" {max(full, default=0):6.2f}"
    )


def main() -> None:
    """Trains one workload if one is named, else prints the table."""
    if len(sys.argv) > 1:
        train(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
        return
    print(
        f"{'workload':24} seed    fall  first/top rising  move max  move min    spike   dead   full"
    )
    for title, names in (("healthy", HEALTHY), ("sick", SICK)):
        print(title)
        for name in names:
            for seed in SEEDS:
                print(row(name, seed), flush=True)


if __name__ == "__main__":
    main()
