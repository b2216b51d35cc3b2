"""The check `dropout-too-high`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import DROPOUT_HIGH
from ...journal.view import Module, RunView, Site, Training
from ...signals.constant import constant_loss
from ...signals.objective import only_loss
from ...signals.trend import trend
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import That


def _was_measured(check: Check, run: RunView, training: Training) -> str | None:
    """Says that its batches were not computed twice without dropout."""
    few = len(training.series("dropout_gap").finite()) < check.limit("samples")
    return "its batches were not computed twice without dropout" if few else None


class DropoutTooHigh(Check):
    """Dropout drops three quarters or more: much of the loss is due to it, or little is learnt.

    ## What it does
    Reads the share that each dropout of a step drops, and computes the step again with every
    element kept.

    ## Why it matters
    In PyTorch `p` is the share that is dropped. Where 0.9 was meant as the share that is *kept*, as
    in TensorFlow 1, a tenth of each layer is left: the model learns slowly, and is much better in
    evaluation than in training.

    ## Evidence
    Probe. `dropout_share`, and `dropout_gap`: 1 minus the loss without dropout over the loss of the
    step, the largest of the later half of the measurements. Where the loss ended little below a
    constant prediction's there is little that dropout could cost, and its share is enough.

    ## Known exceptions
    Silent: dropout of the inputs themselves (a denoising model), a high share that costs little,
    dropout inside fused operations of torch, masks that are drawn by hand.

    ## Example
    `nn.Dropout(0.9)`, or `F.dropout(x, keep_prob)`.

    ## What to try
    `nn.Dropout(1 - keep_prob)`; 0.1 to 0.5 are usual.

    ## References
    Srivastava et al., Dropout, 2014, section 7.3: hidden units are kept with 0.5 to 0.8, inputs
    with 0.8.
    """

    name = "dropout-too-high"
    family = "model"
    severity = "warning"
    tier = "probe"
    needs = ("dropout_share",)
    reads = ("dropout_share", "dropout_gap", "dropout_high", "loss", "loss_call",
             "loss_call_value", "label_count", "target_mean", "target_std")  # fmt: skip
    requires = (That(_was_measured),)
    limits = {
        "share": Limit(0.75, "of the elements", "Srivastava et al. 2014 drop 0.5 at most"),
        "gap": Limit(0.25, "of the loss", "ours: shares of 0.1 to 0.5 cost 0.15 at most"),
        "little": Limit(0.75, "of a constant's loss", "ours: a quarter is little to have learnt"),
        "steps": Limit(100, "steps", "ours: before that a loss may not have begun to fall"),
        "samples": Limit(2, "measurements", "ours"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each training that drops too much."""
        for training in self.judgeable(run):
            series = training.series("dropout_share").finite()
            share = max(series.values, default=0.0)
            gaps = training.series("dropout_gap").finite().values
            gap = max(gaps[len(gaps) // 2 :])  # at first nothing is learnt that could be lost
            idle = None if gap >= self.limit("gap") else self._learnt_little(run, training)
            if share < self.limit("share") or (gap < self.limit("gap") and idle is None):
                continue
            module = _built(run, share)
            called = max(run.events(DROPOUT_HIGH), key=lambda e: e.data["share"], default=None)
            line = Site.read(called.data["line"]) if called is not None else None
            yield self.found(
                f"dropout dropped {share:.0%} of the elements, and "
                + (idle or f"{gap:.0%} of the training loss was due to it"),
                "p is the share that is dropped, not the one that is kept",
                try_=(f"p={1 - share:.2g}, if {share:.2g} was meant to be kept", "0.1 to 0.5"),
                where=Where(module=module.name, site=module.site) if module else Where(site=line),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(
                    Evidence("dropout_share", share, self.limit("share"), ""),
                    Evidence("dropout_gap", gap, self.limit("gap"), "of the loss"),
                ),
                tricks=_remedies(share) if module else (),
                training=training,
                began=(0, 0),
            )

    def _learnt_little(self, run: RunView, training: Training) -> str | None:
        """Says that the loss ended little below that of a constant prediction."""
        call, seen = only_loss(run, training), trend(training.series("loss").finite())
        floor = constant_loss(training, call) if call is not None else None
        if floor is None or seen is None or seen.samples < self.limit("steps"):
            return None
        if seen.end < self.limit("little") * floor:
            return None
        return f"the loss ended at {seen.end:.4g}, where a constant prediction has {floor:.4g}"


def _remedies(share: float) -> tuple[Remedy, ...]:
    """Returns the share that was meant to be kept, and one that is usual."""
    meant = 1 - share
    return tuple(Remedy("dropout", f"{p:.2g}") for p in dict.fromkeys((round(meant, 2), 0.1)))


def _built(run: RunView, share: float) -> Module | None:
    """Returns the first dropout module of this share."""
    return next(
        (
            module
            for module in run.modules
            if "Dropout" in module.kind and abs(module.settings.get("p", 0.0) - share) < 1e-6
        ),
        None,
    )
