"""How labels lie in batches: derived from their counts and from the shapes of inputs."""

from __future__ import annotations

import math

from ..journal.events import INPUT, LOSS_CALL
from ..journal.view import RunView

Batch = list[float]


def entropy(counts: Batch) -> float:
    """Returns the entropy in nats of the distribution that these counts make."""
    total = sum(counts)
    return -sum(c / total * math.log(c / total) for c in counts if c > 0) if total else 0.0


def clumping(batches: list[Batch]) -> float:
    """Intraclass correlation of labels within batches: 0 when shuffled, 1 for one class a batch.

    From the chi-squared statistic of the table batches x classes; free of the batch size and of how
    unequal the classes are. nan for fewer than two batches or classes.
    """
    batches = [batch for batch in batches if sum(batch) > 1]
    totals = [sum(column) for column in zip(*batches, strict=True)] if batches else []
    whole, present = sum(totals), [i for i, total in enumerate(totals) if total]
    if len(batches) < 2 or len(present) < 2:
        return math.nan
    size = whole / len(batches)
    chi2 = 0.0
    for batch in batches:
        n = sum(batch)
        for i in present:
            expected = n * totals[i] / whole
            chi2 += (batch[i] - expected) ** 2 / expected
    freedom = (len(batches) - 1) * (len(present) - 1)
    return float(min((chi2 / freedom - 1) / (size - 1), 1.0))


def several_a_sample(run: RunView) -> bool:
    """Whether one sample has many labels: the moments of a recording, the pixels of a picture.

    Told by the first dimension: that of the loss's input against those of what the model was given.
    """
    given = [event.data["shape"][0] for event in run.events(INPUT) if event.data.get("shape")]
    compared = [
        event.data["input"]["shape"][0]
        for event in run.events(LOSS_CALL)
        if event.data["input"]["shape"]
    ]
    return bool(given and compared) and max(compared) > max(given)
