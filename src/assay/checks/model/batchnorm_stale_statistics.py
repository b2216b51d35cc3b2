"""The check `batchnorm-stale-statistics`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from ...journal.view import Module, RunView, Training
from ...signals.evaluations import is_evaluated
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import Samples, Steps


@dataclass(frozen=True)
class _Norm:
    """One batch norm at the end of training."""

    place: str
    module: Module | None
    offset: float
    ratio: float
    left: float
    begun: bool
    steps: tuple[int, int]


class BatchnormStaleStatistics(Check):
    """The running statistics of batch norm do not fit what the layer is given.

    ## What it does
    Compares the running mean and deviation of each batch norm with the batch's, by channel, in the
    last samples. `momentum` and the number of updates say how much is left of the start, 0 and 1.

    ## Why it matters
    Evaluation mode normalises by the running statistics. Where these are those of the start, every
    layer that follows is given numbers of another size than in training.

    ## Evidence
    Probe: the distance of the means in deviations, and the ratio of the deviations, against limits
    that are narrower where the start is still in the statistics.

    ## Known exceptions
    Silent: batch norm in evaluation mode (frozen), batches whose statistics vary around fitting
    averages, few values a channel, and layers that are given what fits the start anyway.

    ## Example
    `nn.BatchNorm2d(64, momentum=0.001)` for 500 steps: torch's momentum is the weight of the *new*
    batch, and 61 % of the statistics are still those of the start.

    ## What to try
    The usual momentum of 0.1; more steps; `momentum=None` and some passes in training mode before
    the evaluation (precise batch norm).

    ## References
    PyTorch documentation, `torch.nn.BatchNorm2d` (`momentum`); Wu and Johnson: Rethinking "Batch"
    in BatchNorm, 2021.
    """

    name = "batchnorm-stale-statistics"
    family = "model"
    severity = "warning"
    tier = "probe"
    by_hand = "it is a look at the data before the evaluation, where no trick stands"
    needs = ("norm_spread_ratio",)
    reads = (
        "norm_offset",
        "norm_spread_ratio",
        "norm_updates",
        "norm_values",
        "norm_rows",
        "eval_training_share",
    )
    requires = (Steps(), Samples(("norm_spread_ratio",)))
    leads_to = {Effect.MODES_DIFFER: "evaluation mode normalises by statistics that do not fit"}
    limits = {
        "steps": Limit(30, "steps", "torch's default leaves 0.9 ** 30, 4 % of the start"),
        "samples": Limit(4, "samples", "ours: a single batch varies"),
        "values": Limit(16, "values", "ours: of fewer the deviation is noise, and too small"),
        "rows": Limit(4, "samples", "ours: of fewer images the mean is that of each"),
        "ratio": Limit(2, "times", "ours: right scripts end within 0.9 and 1.25"),
        "offset": Limit(1.5, "deviations", "ours: right scripts end below 1.1"),
        "left": Limit(0.2, "of the start", "ours: batch norm's default has 0.2 left at step 15"),
        "usual": Limit(0.05, "momentum", "ours: half of torch's default"),
        "begun": Limit(1e-3, "of the start", "ours: 66 steps at torch's default; a note before"),
        "young ratio": Limit(1.3, "times", "ours: where the start is still in the statistics"),
        "young offset": Limit(0.5, "deviations", "ours: the same"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            places = training.places("norm_spread_ratio")
            norms = [n for p in places if (n := self._norm(run, training, p)) is not None]
            if far := [norm for norm in norms if self._is_far(norm)]:
                yield self._finding(training, far, len(norms))

    def _norm(self, run: RunView, training: Training, place: str) -> _Norm | None:
        ratios = training.series("norm_spread_ratio", place).finite().values
        offsets = training.series("norm_offset", place).finite()
        values = training.series("norm_values", place).values
        rows = training.series("norm_rows", place).values
        few = int(self.limit("samples"))
        if min(len(ratios), len(offsets), len(values), len(rows)) < few:
            return None
        if median(values) < self.limit("values") or median(rows) < self.limit("rows"):
            return None
        module = run.module(place)
        updates = training.series("norm_updates", place).finite()
        left, begun = 0.0, False
        if module is not None and len(updates):
            # momentum=None is no number: the plain mean of all batches
            momentum = min(float(module.settings.get("momentum", 1.0)), 1.0)
            share = (1 - momentum) ** updates.last
            left = share if is_evaluated(training) else 0.0
            begun = momentum >= self.limit("usual") and share > self.limit("begun")
        return _Norm(
            place,
            module,
            median(offsets.values[-few:]),
            median(ratios[-few:]),
            left,
            begun,
            (offsets.steps[-few], offsets.steps[-1]),
        )

    def _is_far(self, norm: _Norm) -> bool:
        young = "young " if norm.left > self.limit("left") else ""
        apart = max(norm.ratio, 1 / norm.ratio) if norm.ratio > 0 else 1.0
        return apart > self.limit(f"{young}ratio") or norm.offset > self.limit(f"{young}offset")

    def _finding(self, training: Training, far: list[_Norm], of: int) -> Finding:
        norm = max(far, key=lambda one: one.offset + max(one.ratio, 1 / max(one.ratio, 1e-9)))
        module, kept = far[0].module, ""
        if norm.left > self.limit("left") and norm.module is not None:
            momentum = norm.module.settings["momentum"]
            kept = f"; with momentum {momentum:g}, {norm.left:.0%} of that are those of the start"
        return self.found(
            f"the running statistics of {len(far)} of {of} batch norms do not fit their input: the "
            f"deviation of {norm.place} is {norm.ratio:.3g} times the batch's, its mean "
            f"{norm.offset:.2g} deviations off{kept}",
            "evaluation mode normalises by them, and training mode does not",
            try_=(
                "momentum=0.1: torch's momentum is the weight of the new batch",
                "measure them anew: some passes in training mode without gradients",
            ),
            where=Where(site=module.site if module is not None else None, module=far[0].place),
            steps=norm.steps,
            evidence=(
                Evidence("norm_spread_ratio", norm.ratio, self.limit("ratio"), "", norm.place),
                Evidence("norm_offset", norm.offset, self.limit("offset"), "", norm.place),
            ),
            severity="note" if all(one.begun for one in far) else "warning",
            training=training,
            began=(0, norm.steps[1]),
        )
