"""How much steps do of what their gradient promises: the limit `vain` of `learning-rate-too-high`.

    PYTHONPATH=src python benchmarks/calibration/step_quality.py step_quality.jsonl

One JSON object a line, for each training of a right script of the tests with 20 measured steps and
one loss whose constant prediction is known: the quartiles of `step_quality`, and the loss in the
second and the last quarter of the steps.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from assay.journal.view import RunView
from assay.signals.constant import constant_loss
from assay.signals.objective import only_loss
from assay.testing import WarmRunner

TESTS = Path(__file__).resolve().parents[2] / "tests"


def measured(run: RunView) -> Iterator[dict[str, Any]]:
    for training in run.trainings:
        quality = training.series("step_quality").finite().values
        losses, call = training.series("loss").finite().values, only_loss(run, training)
        floor = constant_loss(training, call) if call is not None else None
        if len(quality) >= 20 and floor:
            quarter = len(losses) // 4
            yield {
                "quartiles": quantiles(quality, n=4),
                "second": median(losses[quarter : 2 * quarter]) / floor,
                "last": median(losses[-quarter:]) / floor,
            }


def main(out: Path) -> None:
    """Writes one line a training."""
    right = [*TESTS.glob("checks/*/healthy.py"), *TESTS.glob("checks/*/fixed.py")]
    right += TESTS.glob("healthy/*.py")
    with WarmRunner() as runner, tempfile.TemporaryDirectory() as scratch, out.open("w") as file:
        for number, script in enumerate(sorted(right)):
            run = runner.observe([str(script)], run_dir=Path(scratch) / f"run{number}").view
            for row in measured(run):
                file.write(json.dumps({"script": script.parent.name, **row}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
