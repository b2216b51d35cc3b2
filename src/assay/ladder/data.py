"""The rung *data*: do the inputs tell the targets, better than shuffled ones?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..probes.data.neighbours import compare
from . import answers
from .ground import Ground
from .outcome import Outcome, fails, passes, untried
from .reference import flat, single
from .stored import Stored
from .stream import mean_over, typical

ROWS_AT_LEAST = 32
"""Ours: of fewer no model tells more than chance would."""
ERRORS, FEW_ERRORS, FEW = 3.0, 1.0, 512
"""Standard errors above chance that one of two models must reach, and of fewer than 512 rows:
measured in benchmarks/calibration/unrelated.py, as for `labels-unrelated-to-inputs`."""
AT_CHANCE = 0.995
"""Of the loss of a constant, as for that check: what the script itself learns below that, no line
and no neighbours need tell."""


def climb(ground: Ground) -> Outcome:
    """Looks at the inputs, then asks a line and the nearest neighbours.

    Raises:
        NotReplayable: why a batch can't be computed.
    """
    batches = ground.seen.batches
    return _broken(batches) or _related(ground, batches)


def _broken(batches: list[Stored]) -> Outcome | None:
    """Says that inputs are not finite, or all the same."""
    for batch in batches:
        for tensor in batch.inputs:
            if math.isfinite(batch.value) or not tensor.is_floating_point():
                continue  # NaN that the model knows how to treat, or a mask
            if not bool(torch.isfinite(tensor).all()):
                share = float((~torch.isfinite(tensor)).double().mean())
                return fails(
                    f"{share:.2%} of the numbers that the model is given in step "
                    f"{batch.iteration} are not finite"
                )
    varied = (one for one in batches if _varies(one.targets))
    whole = [batch.inputs[0] for batch in varied if len(batch.inputs) == 1]
    whole = [one for one in whole if one.dim() > 1 and one.shape[1:] == whole[0].shape[1:]]
    if len(whole) < 2 or sum(len(one) for one in whole) < ROWS_AT_LEAST:
        return None
    rows = torch.cat([one.reshape(len(one), -1) for one in whole])
    alike = [one for one in whole if len(one) > 1 and bool((one == one[:1]).all())]
    if len(alike) == len(whole) or bool((rows == rows[:1]).all()):
        where = "of all batches" if bool((rows == rows[:1]).all()) else "of each batch"
        return fails(f"all rows {where} are the same")
    if rows.is_floating_point() and bool((rows.double().std(0) <= 1e-6 * _size(rows)).all()):
        return fails("no number of the input differs from row to row")
    return None


def _varies(targets: Tensor | None) -> bool:
    return targets is not None and targets.dim() > 0 and bool((targets != targets[:1]).any())


def _size(rows: Tensor) -> float:
    return float(rows.double().abs().mean()) + 1e-300


def _related(ground: Ground, batches: list[Stored]) -> Outcome:
    if not any(batch.scored for batch in batches):
        return untried("which tensors are the targets is not known: there is no single known loss")
    fit = [
        (flat(rows), batch.targets.reshape(len(batch.targets)), batch.scored.name)
        for batch in batches
        if batch.scored and (rows := batch.rows) is not None and batch.targets is not None
        and single(batch.targets, batch.scored.name)
    ]  # fmt: skip
    if not fit:
        return untried("inputs are not rows of numbers with one target each")
    rows, targets = torch.cat([one[0] for one in fit]), torch.cat([one[1] for one in fit])
    found = compare(rows, targets, labels=fit[0][2] in answers.CLASSES)
    if found is None:
        return untried(f"{len(rows)} rows were stored, of which too few differ, or one target")
    limit = ERRORS if found["rows"] >= FEW else FEW_ERRORS
    told = max(found["by_neighbours"], found["by_line"])
    numbers = {key: found[key] for key in ("rows", "by_neighbours", "by_line")}
    said = (
        f"a line tells the targets of {found['rows']} rows by {found['by_line']:.1f} standard "
        f"errors better than chance, nearest neighbours by {found['by_neighbours']:.1f}"
    )
    if told >= limit:
        return passes(said, **numbers)
    learnt = ground.seen.learnt
    now = mean_over(batches, None) / (typical(batches) or math.inf)
    numbers |= {"learnt": learnt, "at_the_end": now}
    if learnt is None or not learnt >= AT_CHANCE or not now >= AT_CHANCE:
        return untried(f"{said}: what neither of them sees may be there", **numbers)
    return fails(f"{said}; and the script's own loss stays at that of a constant", **numbers)
