"""The check `labels-unrelated-to-inputs`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.events import NEIGHBOURS, NeighboursFound
from ...journal.view import Event, RunView, Site, Training
from ...signals.by_heart import over_epochs, steps_of_epoch
from ...signals.constant import constant_loss
from ...signals.contents import last_contents
from ...signals.evaluations import held_out_loss
from ...signals.objective import only_loss
from ...signals.trend import trend
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import ConstantLoss, OneObjective, Samples, That, too_few

_BY_HEART = "measured in benchmarks/calibration/by_heart.py"


def _too_few_rows(check: Check, run: RunView, training: Training) -> str | None:
    """Says that too few different rows were seen with their targets."""
    found = _last(run, training)
    return too_few(found.data["rows"] if found else 0, check.limit("rows"), "different rows")


def _hard_to_tell(check: Check, run: RunView, training: Training) -> str | None:
    """Says that so few targets differ that two simple models could not tell them anyway."""
    found = _last(run, training)
    best = math.inf if found is None else found.data.get("at_best", math.inf)  # of older records
    if best >= check.limit("power"):
        return None
    return "nearly all targets are the same: too few others to tell whether they fit their inputs"


class LabelsUnrelatedToInputs(Check):
    """Inputs that are alike have targets no more alike than chance would make them.

    ## What it does
    Assay keeps up to 1,024 different rows of the input with their targets, each on 64 directions,
    and asks two simple models: the five nearest rows of each, and a linear model of one half of the
    rows that is asked about the other half. Then it looks at the script's own losses.

    ## Why it matters
    If the targets belong to other inputs nothing can be learnt but a constant answer, or all
    samples by heart.

    ## Evidence
    Heuristic: neither of the two models tells targets better than chance by three standard errors
    (one, of fewer than 512 rows),
    and the script's own loss, in training or held out, stays at that of a constant prediction.
    Where none is held out and the training loss falls, it must have fallen by heart alone: it was a
    constant's while samples were new, in all later epochs together it rose, and it fell from the
    end of an epoch to the beginning of the next. What holds for new samples too makes it fall
    within epochs.

    ## Known exceptions
    A relation that neither neighbours nor a line can see (parity, raw sound) goes with a loss that
    falls, and is silent; so is a loss that is still on its way down to a constant's. Where such a
    task does not learn for another reason, or is learnt by heart alone (the parity of 6 of 20 bits,
    from 1,024 rows), this check can be wrong. Silent for several losses,
    targets by position, tokens, and fewer than 256 rows.

    ## Example
    `x = x[torch.randperm(len(x))]` without the same for `y`; two folders that are listed in
    different orders.

    ## What to try
    Look at some inputs with their labels, side by side, right before the model. Shuffle both by one
    permutation, sort both lists of files, join tables by key.

    ## References
    Zhang et al.: Understanding deep learning requires rethinking generalization, 2017 (random
    labels); Cover, Hart: Nearest Neighbor Pattern Classification, 1967.
    """

    name = "labels-unrelated-to-inputs"
    family = "data"
    severity = "warning"
    tier = "heuristic"
    by_hand = "which label belongs to which input can't be known"
    needs = ("neighbours", "loss_call")
    reads = ("neighbours", "loss", "loss_call", "loss_call_value", "label_count", "target_mean",
             "target_std", "evaluation_loss", "input_contents", "input_fingerprint",
             "epoch")  # fmt: skip
    requires = (
        OneObjective(),
        That(_too_few_rows),
        That(_hard_to_tell),
        Samples(("loss",), "steps"),
        ConstantLoss(),
    )
    leads_to = {
        Effect.RATE_TOO_LOW: "where there is nothing to learn, steps get nowhere at any rate",
        Effect.NOT_LEARNING: "targets of other inputs can't be told from these",
    }
    limits = {
        "errors": Limit(3.0, "standard errors", "measured in benchmarks/calibration/unrelated.py"),
        "of few": Limit(1.0, "standard errors", "measured in benchmarks/calibration/unrelated.py"),
        "many": Limit(512, "rows", "measured in benchmarks/calibration/unrelated.py"),
        "power": Limit(12.0, "standard errors", "ours: four times of what is to be seen"),
        "rows": Limit(256, "rows", "measured in benchmarks/calibration/unrelated.py"),
        "steps": Limit(100, "steps", "ours: before that a loss may not have begun to fall"),
        "near": Limit(1.1, "of a constant's loss", "ours: what falls above it has not ended"),
        "chance": Limit(0.995, "of a constant's loss", "ours: a weak signal falls further"),
        "by heart": Limit(0.1, "of a constant's loss", f"{_BY_HEART}: less is hard to place"),
        "rises": Limit(0.2, "of the fall", _BY_HEART),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            event = _last(run, training)
            if event is None or self._told(event.data):
                continue
            where = self._at_chance(run, training)
            if where is None:
                continue
            data = event.data
            alike = (
                f"had its label in {data['agree']:.1%} of cases, where chance has "
                f"{data['chance']:.1%}"
                if data["agree"] is not None and data["chance"] is not None
                else f"told its target no better than chance ({data['by_neighbours']:.1f} errors)"
            )
            made = (Site.read(e.data["line"]) for e in last_contents(run, training))
            yield self.found(
                f"of {data['rows']} different rows the five nearest to each {alike}; nor did a "
                f"linear model of half of them tell the other half; {where}",
                "targets that belong to other inputs can't be learnt, only known by heart",
                try_=(
                    "look at inputs and labels side by side, right before the model",
                    "shuffle, sort and join both in the same way",
                ),
                where=Where(site=next((site for site in made if site is not None), event.site)),
                steps=(0, event.step),
                evidence=(
                    Evidence("neighbours", max(data["by_neighbours"], data["by_line"]),
                             self._limit(data), "standard errors above chance, at best"),
                ),
                training=training,
            )  # fmt: skip

    def _told(self, data: NeighboursFound) -> bool:
        """Whether one of the two models tells targets; false for nan."""
        errors = float(data["by_neighbours"]), float(data["by_line"])
        return not all(value < self._limit(data) for value in errors)

    def _limit(self, data: NeighboursFound) -> float:
        return self.limit("errors" if data["rows"] >= self.limit("many") else "of few")

    def _at_chance(self, run: RunView, training: Training) -> str | None:
        """Tells which of the script's own losses stayed at that of a constant; None if neither."""
        call = only_loss(run, training)
        floor = constant_loss(training, call) if call else None
        seen = trend(training.series("loss").finite())
        if floor is None or seen is None:
            return None
        held = held_out_loss(training).finite().values
        if held:
            if min(held) < self.limit("chance") * floor:
                return None
            return f"the held-out loss was never below {min(held):.3g}, a constant has {floor:.3g}"
        if seen.end < self.limit("chance") * floor:
            return self._by_heart(run, training, floor)
        if seen.end > self.limit("near") * floor and seen.falls():
            return None
        return f"the loss ended at {seen.end:.3g}, where a constant prediction has {floor:.3g}"

    def _by_heart(self, run: RunView, training: Training, floor: float) -> str | None:
        """Tells that a loss fell only on samples that had been seen before; None if not."""
        losses, epoch = training.series("loss").finite(), steps_of_epoch(run, training)
        if epoch is None or len(losses) != training.steps:
            return None
        seen = over_epochs(losses.values, epoch)
        if seen is None or seen.fall < self.limit("by heart") * floor:
            return None
        rose = -seen.within >= self.limit("rises") * seen.fall
        if seen.first < self.limit("chance") * floor or not rose or seen.between < seen.fall:
            return None
        return (
            f"while samples were new the loss was {seen.first:.3g}, where a constant prediction "
            f"has {floor:.3g}; later it rose within epochs, and fell from one to the next alone"
        )


def _last(run: RunView, training: Training) -> Event[NeighboursFound] | None:
    found = [e for e in run.events(NEIGHBOURS) if e.process == training.process]
    return found[-1] if found else None
