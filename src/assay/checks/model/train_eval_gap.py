"""The check `train-eval-gap`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.events import MODE_GAP
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import Samples


class TrainEvalGap(Check):
    """The same batch has a much higher loss in evaluation mode than in training mode.

    ## What it does
    Now and then assay computes the loss of a step once more, with the same batch and the same
    weights, and with the model in evaluation mode. It speaks when the last two of these
    measurements lie far above what training mode gave: not for a while after the start, when
    averages of batch norm are still young, but at the end of what was measured.

    ## Why it matters
    What is deployed and validated is the model in evaluation mode. A held-out loss that lies above
    the training loss is then no overfitting: the model was never trained for what it is asked.

    ## Evidence
    Probe: nothing but the mode is changed. Where the two modes run different operations, or one
    whose result is of another size, its line is named.

    ## Known exceptions
    Dropout, stochastic depth and noise make the loss *higher* in training mode and are silent. In
    the right scripts of this project the loss in evaluation mode is 0.4 to 1.3 times that in
    training mode at the end; one with two views and batch norm went to 2.0 once. Silent where the
    loss in evaluation mode is small beside that of the first steps.

    ## Example
    Dropout by hand, `x * mask` in training mode, without the division by `1 - p`: in evaluation
    mode all that follows is given numbers twice as large.

    ## What to try
    Divide by `1 - p` where dropout is made by hand; see what `if self.training` changes beside
    noise; for batch norm a larger batch, or a norm without running statistics.

    ## References
    Srivastava et al.: Dropout, 2014; Ioffe: Batch Renormalization, 2017, on what differs between
    the modes of batch norm; Li et al.: Understanding the Disharmony between Dropout and Batch
    Normalization by Variance Shift, 2018.
    """

    name = "train-eval-gap"
    family = "model"
    severity = "warning"
    tier = "probe"
    by_hand = "what the model does otherwise in evaluation is its own code"
    needs = ("loss_in_evaluation_mode",)
    reads = ("loss", "loss_in_evaluation_mode", "loss_in_training_mode", "mode_gap")
    requires = (Samples(("loss_in_evaluation_mode",), finite=False),)
    is_effect = (Effect.MODES_DIFFER,)
    limits = {
        "samples": Limit(2, "samples", "ours: one may be that of a batch unlike the others"),
        "gap": Limit(1.5, "times the loss in training mode", "ours: right scripts end at 1.3"),
        "share": Limit(0.1, "of the first losses", "ours: a smaller loss does no harm"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            finding = self._review(run, training)
            if finding is not None:
                yield finding

    def _review(self, run: RunView, training: Training) -> Finding | None:
        there = dict(training.series("loss_in_evaluation_mode"))
        here = dict(training.series("loss_in_training_mode"))
        last = [s for s in there if s in here][-int(self.limit("samples")) :]
        first = [abs(v) for v in training.series("loss").finite().values[:8]]
        if len(last) < self.limit("samples") or not first:
            return None
        worth = self.limit("share") * fmean(first)
        for step in last:
            gap = there[step] - here[step]
            if not (here[step] > 0 and there[step] > self.limit("gap") * here[step]):
                return None
            if not gap > worth:
                return None
        step = last[-1]
        ratio = there[step] / here[step]
        found = [e for e in run.events(MODE_GAP) if e.step >= last[0]] or list(run.events(MODE_GAP))
        data = found[-1].data if found else None
        what, where = "", Where()
        if data is not None:
            module = next((m for m in run.modules if m.kind == data["inside"] and m.site), None)
            inside = module.site if module is not None else None
            where = Where(site=inside or Site.read(data["line"]))
            only = f"only {data['only']} mode has" if data["only"] else "another size comes from"
            what = f"; {only} `{data['operation']}`"
        return self.found(
            f"the same batch had a loss of {there[step]:.3g} in evaluation mode and "
            f"{here[step]:.3g} in training mode, with the same weights{what}",
            "what is validated and used is another model than the one that is trained",
            try_=(
                "see what the modes compute differently: dropout must keep the size of its input",
                "with batch norm: a larger batch, or GroupNorm",
            ),
            where=where,
            steps=(last[0], step),
            evidence=(
                Evidence("loss_in_evaluation_mode", ratio, self.limit("gap"), "times"),
                Evidence("loss_in_training_mode", here[step]),
            ),
            training=training,
        )
