"""How inputs of evaluations differ from those of training: `eval-preprocessed-differently`.

    PYTHONPATH=src python benchmarks/calibration/evaluation_inputs.py > evaluation_inputs.jsonl

One JSON object a line: what training went through, whether the evaluation was prepared as it should
be (`right`) or not, the share of evaluated rows outside of all training rows, the ratio of the
deviations, and whether the check speaks. Data: the bundled digits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from assay.checks.data.eval_preprocessed_differently import EvalPreprocessedDifferently
from assay.demo.digits import load
from assay.journal.view import Event
from assay.probes.data.contents import Held
from assay.testing import make_run

BATCHES, SIZE, SEEDS = 30, 64, 3
Change = Callable[[Tensor], Tensor]


def standardised(x: Tensor) -> Tensor:
    """Deviation 1 about 0, with the constants of the digits."""
    return (x - 4.88) / 6.02


def noisy(x: Tensor) -> Tensor:
    return x + x.std() * torch.randn_like(x)


def erased(x: Tensor) -> Tensor:
    x = x.clone()
    x[..., 2:6, 2:6] = x.min()
    return x


def contrast(x: Tensor) -> Tensor:
    shape = (len(x), *[1] * (x.dim() - 1))
    return x * (0.4 + 1.2 * torch.rand(shape)) + x.std() * (torch.rand(shape) - 0.5)


def mixed(x: Tensor) -> Tensor:
    return 0.5 * x + 0.5 * x[torch.randperm(len(x))]


def dropped(x: Tensor) -> Tensor:
    return torch.where(torch.rand_like(x) < 0.4, torch.zeros(()), x)


def cropped(x: Tensor) -> Tensor:
    padded = torch.nn.functional.pad(x, (3, 3, 3, 3), value=float(x.min()))
    at = torch.randint(0, 7, (2,)).tolist()
    return padded[..., at[0] : at[0] + 8, at[1] : at[1] + 8]


def same(x: Tensor) -> Tensor:
    return x


AUGMENTATIONS: list[Change] = [same, noisy, erased, contrast, mixed, dropped, cropped]
SCALES: dict[str, Change] = {
    "raw": same,
    "unit": lambda x: x / 16,
    "signed": lambda x: x / 8 - 1,
    "standardised": standardised,
    "twice": lambda x: standardised(standardised(x)),
}


def facts(train: Tensor, held: Tensor, augment: Change) -> dict[str, float]:
    """Returns what the probe would write of these data."""
    one, other = Held(), Held()
    for _ in range(BATCHES):
        one.add(augment(train[torch.randperm(len(train))[:SIZE]]), held_out=False)
    other.add(held[:SIZE], held_out=True)
    other.add(held[SIZE : 2 * SIZE], held_out=True)
    return {
        **one.moments.facts(""), **other.moments.facts("eval_"),
        "low": float(one.low), "high": float(one.high),
        "eval_low": float(other.low), "eval_high": float(other.high),
        "rows": other.rows, "training_rows": one.rows, "outside_share": other.outside(one),
        "place": "input 0", "line": None,
    }  # fmt: skip


def rows() -> Iterator[dict[str, object]]:
    """Yields each way to prepare training data with each way to prepare those of an evaluation."""
    check = EvalPreprocessedDifferently()
    pixels, _ = load()
    pictures = pixels.reshape(-1, 1, 8, 8)
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        order = torch.randperm(len(pictures))
        train, held = pictures[order[:1200]], pictures[order[1200:]]
        for name, prepare in SCALES.items():
            for augment in AUGMENTATIONS:
                for other, prepare_other in SCALES.items():
                    data = facts(prepare(train), prepare_other(held), augment)
                    events = [
                        Event("input_contents", 5, {"place": "input 0", "shape": [1, 8, 8]}),
                        Event("eval_contents", 5, data),
                    ]
                    yield {
                        "training": name, "augmented": augment.__name__, "evaluation": other,
                        "seed": seed, "right": name == other,
                        "outside": data["outside_share"],
                        "ratio": data["eval_std"] / data["std"],
                        "found": any(check.review(make_run(loss=[1.0] * 5, events=events))),
                    }  # fmt: skip


if __name__ == "__main__":
    for row in rows():
        print(json.dumps(row))
