"""The check `zero-grad-missing`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView, Training
from ...signals.players import leaks
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Samples


class ZeroGradMissing(Check):
    """The gradient that one step has used is still there when the next one is computed.

    ## What it does
    At the start of each backward pass assay measures the gradients that the optimizer's parameters
    still hold. If at every backward pass between two steps they are not zero, the second step adds
    the first one's gradient to its own, and so on through the run. The same is looked at where a
    step calls its closure more than once, as L-BFGS does: each call is to start from none.

    ## Why it matters
    The optimizer then follows the sum of all gradients since the start: steps grow, training
    oscillates or diverges, and it looks as if the learning rate were too high.

    ## Evidence
    Exact. `stale_grad_norm` is the smallest norm of left-over gradients at any backward pass since
    the last step; for a step that clears its gradients anywhere (before, after, or by setting them
    to None) it is 0. `stale_in_closure` is the same over the calls of a closure within a step.

    ## Known exceptions
    Gradient accumulation is silent: the first micro-batch after a step starts from zero. So are
    GANs, where one player's backward pass leaves gradients in the other that are cleared before
    use.

    ## Example
    `loss.backward(); optimizer.step()` in a loop without `optimizer.zero_grad()`.

    ## What to try
    Call `optimizer.zero_grad()` once per step, before `loss.backward()`.

    ## References
    PyTorch documentation, `torch.optim.Optimizer.zero_grad`. Silent-error study: TrainCheck (OSDI
    2025), case stackoverflow-60335387.
    """

    name = "zero-grad-missing"
    family = "gradient"
    severity = "error"
    tier = "exact"
    needs = ("stale_grad_norm",)
    reads = ("stale_grad_norm", "stale_in_closure", "turn", "judge_asks", "judge_target")
    requires = (Samples(("stale_grad_norm",), finite=False, since=1),)
    leads_to = {
        Effect.EXPLODING: "the gradient of a step is the sum of all before it, and grows",
        Effect.RATE_TOO_HIGH: "the sum of n gradients looks like a rate n times too high",
        Effect.DEAD: "steps that grow throw units to where they give zero",
        Effect.SATURATED: "steps that grow throw units to their bounds",
        Effect.NOT_FINITE: "steps that grow throw the weights until something overflows",
        Effect.NOT_LEARNING: "steps follow old gradients more than their own batch's",
    }
    limits = {
        "since": Limit(8, "steps", "ours: a last stretch that is as long as a window of samples"),
        "samples": Limit(3, "steps", "ours: two could be a warm-up of the user's own making"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        left = {t.index for leak in leaks(run) for t in leak.pair.holders(run, leak.pair.generator)}
        for training in self.judgeable(run):
            if training.index in left:
                continue  # `discriminator-keeps-graph`: it is another loss's gradient
            stale = training.series("stale_grad_norm")
            # nan says nothing: a run that broke may have been cleared at one of several passes
            later = [(step, value) for step, value in stale if step > 0 and value == value]
            cleared = [step for step, value in later if not value > 0]
            if cleared:
                yield from self._since(training, later, cleared[-1])
                yield from self._in_closure(training)
                continue
            step, value = later[-1]
            yield self.found(
                f"gradients were never cleared: at all {len(later)} sampled steps after the first, "
                f"the last step's gradient was still there (norm {value:.3g} at step {step})",
                "each step adds all earlier gradients to its own, so steps grow without end",
                try_=("call optimizer.zero_grad() before loss.backward(), once per step",),
                where=Where(site=training.step_site or training.site),
                steps=(later[0][0], step),
                evidence=(Evidence("stale_grad_norm", value, 0.0, "1"),),
                tricks=(Remedy("zero-grad"),),
                training=training,
                began=(1, later[0][0]),
            )

    def _since(
        self, training: Training, later: list[tuple[int, float]], cleared: int
    ) -> Iterator[Finding]:
        """Yields that they were cleared until some step, and from then on to the end never."""
        before = [value for step, value in later if step <= cleared]
        after = [(step, value) for step, value in later if step > cleared]
        least = self.limit("since")
        if min(len(before), len(after)) < least or any(value > 0 for value in before):
            return
        first, (step, value) = after[0][0], after[-1]
        yield self.found(
            f"gradients were cleared until step {cleared} and no more from step {first} on: at all "
            f"{len(after)} sampled steps since, the last step's gradient was still there (norm "
            f"{value:.3g} at step {step})",
            "each step adds all earlier gradients to its own, so steps grow without end",
            try_=("call optimizer.zero_grad() before loss.backward(), once per step",),
            where=Where(site=training.step_site or training.site),
            steps=(first, step),
            evidence=(Evidence("stale_grad_norm", value, 0.0, "1"),),
            tricks=(Remedy("zero-grad"),),
            training=training,
            began=(cleared, first),
        )

    def _in_closure(self, training: Training) -> Iterator[Finding]:
        """Yields that they are cleared once a step, whose closure makes them several times."""
        values = [(s, v) for s, v in training.series("stale_in_closure") if v == v]
        if len(values) < self.limit("samples") or not all(value > 0 for _, value in values):
            return
        (first, _), (step, value) = values[0], values[-1]
        yield self.found(
            f"gradients were not cleared between the calls of the closure: in all {len(values)} "
            f"sampled steps that called it more than once, each call added its gradient to the "
            f"last one's (norm {value:.3g} at step {step})",
            "the optimizer is told sums of gradients for those of the points that it tries, and "
            "steps grow without end",
            try_=("call optimizer.zero_grad() in the closure, before loss.backward()",),
            where=Where(site=training.step_site or training.site),
            steps=(first, step),
            evidence=(Evidence("stale_in_closure", value, 0.0, "1"),),
            tricks=(Remedy("zero-grad"),),
            training=training,
            began=(first, first),
        )
