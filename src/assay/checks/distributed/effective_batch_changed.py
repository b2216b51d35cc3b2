"""The check `effective-batch-changed`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import median

from ...journal.events import INPUT, LOAD_STATE
from ...journal.view import RunView, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That

LINEAR = ("SGD",)


@dataclass(frozen=True)
class _Part:
    """A training as so many ranks took it: rows of a batch on each, and passes for a step."""

    training: Training
    ranks: int
    rows: int
    passes: float

    @property
    def batch(self) -> float:
        """Samples of one step, of all ranks together."""
        return self.ranks * self.rows * self.passes


def _same_ranks(check: Check, run: RunView, training: Training) -> str | None:
    """Says that no other number of ranks went on with it."""
    return None if len(_parts(run)) > 1 else "as many ranks took the training all along"


class EffectiveBatchChanged(Check):
    """Another number of ranks goes on with a training, and its rate is that of the old batch.

    ## What it does
    Compares the parts of a run that were taken by different numbers of ranks, the later of which
    loaded weights: ranks x rows of a batch on each x batches accumulated for a step, and the rate
    at the end of the one and at the beginning of the other.

    ## Why it matters
    The rate that suits a batch grows with it: in proportion for plain SGD, with its root for
    adaptive optimizers. With half of the ranks the same rate makes steps that are noisier, and too
    long; with twice as many, slower progress per sample.

    ## Evidence
    Exact: the two batches and rates. What the rate ought to be is a rule, not a measurement, so
    that this is a note.

    ## Known exceptions
    Silent: a rate that changed too, a batch that stayed within a fifth, a part that began from new
    weights, and parts of other models. A change between two runs that were recorded apart is not
    seen: compare them with `assay diff`.

    ## Example
    A training with 32 rows on each rank that is restarted on half of the machines.

    ## What to try
    Keep the batch: more rows on each rank, or accumulate; or change the rate with it.

    ## References
    Goyal et al.: Accurate, Large Minibatch SGD, 2017 (linear rule); Malladi et al.: On the SDEs and
    Scaling Rules for Adaptive Gradient Algorithms, 2022 (root rule). PyTorch documentation,
    "Torch Distributed Elastic".
    """

    name = "effective-batch-changed"
    family = "distributed"
    severity = "note"
    tier = "exact"
    by_hand = "whether the batch or the rate is to change is the person's to say"
    needs = ("learning_rate", "input")
    reads = ("learning_rate", "input", "load_state", "backward_passes", "grad_norm")
    requires = (That(_same_ranks),)
    limits = {
        "factor": Limit(1.2, "times", "ours: a rate is hardly known to a tenth"),
        "rate": Limit(1.1, "times", "ours: a schedule may have gone on by some steps"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for before, after in pairwise(_parts(run)):
            factor = after.batch / before.batch
            last = before.training.series("learning_rate", "group 0").finite().last
            rate = after.training.series("learning_rate", "group 0").finite().first
            loads = any(e.process == after.training.process for e in run.events(LOAD_STATE))
            if not loads or not last > 0 or not rate > 0:
                continue
            moved, least = max(rate / last, last / rate), self.limit("factor")
            if max(factor, 1 / factor) > least and moved < self.limit("rate"):
                yield self._finding(before, after, factor, rate)

    def _finding(self, before: _Part, after: _Part, factor: float, rate: float) -> Finding:
        training = after.training
        linear, root = rate * factor, rate * sqrt(factor)
        first, second = (
            (f"{linear:.3g} by the linear rule", f"{root:.3g} by the root rule")
            if training.optimizer in LINEAR
            else (f"{root:.3g} by the root rule", f"{linear:.3g} by the linear rule")
        )
        return self.found(
            f"{_many(before.ranks)} took batches of {before.batch:,.0f}, {_many(after.ranks)} went "
            f"on with batches of {after.batch:,.0f}, and the rate stayed at {rate:.3g}: for this "
            f"batch it would be {first}, {second}",
            "the rate that suits a batch grows with it",
            try_=(
                "keep the batch: change the rows on each rank, or the batches accumulated",
                "or change the rate with it",
            ),
            where=Where(site=training.site),
            steps=(0, max(training.steps - 1, 0)),
            evidence=(Evidence("learning_rate", factor, self.limit("factor"), "times the batch"),),
            training=training,
        )


def _parts(run: RunView) -> list[_Part]:
    """Returns the first training of each number of ranks that took one, in order."""
    processes = run.facts.get("processes") or []
    found: list[_Part] = []
    for training in run.trainings:
        known = processes[training.process] if training.process < len(processes) else {}
        ranks = int(known.get("world") or 1)
        inputs = [e for e in run.events(INPUT) if e.process == training.process]
        shape = inputs[0].data["shape"] if inputs else []
        if not training.steps or not shape or (found and found[-1].ranks == ranks):
            continue
        passes = training.series("backward_passes").finite().values
        part = _Part(training, ranks, shape[0], median(passes) if passes else 1.0)
        if not found or _held(found[-1].training) == _held(training):
            found.append(part)
    return found


def _held(training: Training) -> set[str]:
    return set(training.places("grad_norm"))


def _many(ranks: int) -> str:
    return f"{ranks} ranks" if ranks > 1 else "1 rank"
