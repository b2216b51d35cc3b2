"""How large weights begin, and how far outputs spread with depth: the check `initial-scale`.

    PYTHONPATH=src python benchmarks/calibration/initial_scale.py initial_scale.jsonl

One JSON object a line. First every right script of the tests: the largest and smallest weight times
the root of its inputs, and by which factor of each layer the spread of the outputs grew or faded.
Then plain networks that begin with weights of one deviation: whether the check speaks, and the
loss of a short training over that of a constant prediction.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.checks.model.initial_scale import InitialScale
from assay.journal.view import RunView
from assay.signals.initial import each_layer, first_layers
from assay.testing import WarmRunner

ROOT = Path(__file__).resolve().parents[2]
DEPTHS = (2, 3, 5, 8, 12)
DEVIATIONS = ("default", "he", 0.001, 0.01, 0.02, 0.05, 0.2, 0.5, 1.0)
PLAIN = """
import torch
from torch import nn
torch.manual_seed(0)
labels = torch.randint(0, 4, (1200,))
inputs = torch.randn(4, 64)[labels] + torch.randn(1200, 64)
layers = []
for _ in range({depth} - 1):
    layers += [nn.Linear(64, 64), nn.{act}()]
net = nn.Sequential(*layers, nn.Linear(64, 4))
for p in net.parameters():
    if p.dim() > 1 and {deviation!r} == "he":
        nn.init.kaiming_normal_(p)
    elif p.dim() > 1 and {deviation!r} != "default":
        nn.init.normal_(p, std={deviation!r})
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(200):
    rows = torch.randint(0, 1200, (50,))
    loss = nn.functional.cross_entropy(net(inputs[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def measured(run: RunView) -> Iterator[dict[str, Any]]:
    """Yields, for each training with two layers or more, their sizes and factors."""
    for training in run.trainings:
        layers = first_layers(run, training)
        if len(layers) > 1:
            narrowest = min(layers, key=lambda layer: layer.spread)
            yield {
                "layers": len(layers),
                "gain_max": max(layer.gain for layer in layers),
                "gain_min": min(layer.gain for layer in layers),
                "last_spread": layers[-1].spread,
                "each_to_last": each_layer(layers, layers[-1]),
                "each_to_narrowest": each_layer(layers, narrowest),
                "found": bool(list(InitialScale().review(run))),
                "loss": training.series("loss").finite().last,
            }


def main(out: Path) -> None:
    """Writes one line a training."""
    checks = ROOT / "tests" / "checks"
    right = [*checks.glob("*/healthy.py"), *checks.glob("*/fixed.py")]
    right += (ROOT / "tests" / "healthy").glob("*.py")
    with WarmRunner() as runner, tempfile.TemporaryDirectory() as scratch, out.open("w") as file:
        for number, script in enumerate(sorted(right)):
            run = runner.observe([str(script)], run_dir=Path(scratch) / f"right{number}").view
            for row in measured(run):
                made = {"script": f"{script.parent.name}/{script.stem}"}
                file.write(json.dumps({**made, **row}) + "\n")
        for depth in DEPTHS:
            for act in ("ReLU", "Tanh"):
                for deviation in DEVIATIONS:
                    script = Path(scratch) / "plain.py"
                    script.write_text(PLAIN.format(depth=depth, act=act, deviation=deviation))
                    folder = Path(scratch) / f"{depth}{act}{deviation}"
                    run = runner.observe([str(script)], run_dir=folder).view
                    for row in measured(run):
                        plain = {"depth": depth, "act": act, "deviation": deviation}
                        file.write(json.dumps({**plain, **row}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
