"""The check `step-missing`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import BACKWARD, STALLED
from ...journal.view import BuiltOptimizer, RunView, Training
from ...signals.players import lines_of_idle_judges
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


class StepMissing(Check):
    """An optimizer whose parameters get gradients never steps, or stops to step.

    ## What it does
    Assay notes each optimizer that is built, and after backward passes on sampled iterations looks
    whether parameters of one that has not stepped have a gradient. If it never steps, and nobody
    else moves them, that is reported. So is a training whose last step is followed by backward
    passes at the same line, far more of them than it ever accumulated.

    ## Why it matters
    Gradients are computed and then nothing is done with them: the weights stay as they are.

    ## Evidence
    Exact. `backward_passes`: how many passes were looked at after which such parameters had a
    gradient, all without a step of their optimizer; or how many followed the last step.

    ## Known exceptions
    Silent: optimizers of frozen parts, and of parameters that another optimizer trains, such as
    that of a later phase; weights that change all the same (by hand, or by an optimizer that is not
    torch's); models in evaluation mode (saliency, Fisher information); passes at another line than
    the training's own; a player that pauses while the other goes on; fewer passes than the limits,
    and a script that broke before any step.

    ## Example
    A loop with `optimizer.zero_grad()` and `loss.backward()`, and no `optimizer.step()`.

    ## What to try
    Call `optimizer.step()` after `loss.backward()`, for each optimizer, under no condition that
    never holds.

    ## References
    PyTorch documentation, "Optimizing Model Parameters".
    """

    name = "step-missing"
    family = "optimizer"
    severity = "error"
    tier = "exact"
    by_hand = "whether the step was left out on purpose is the script's to say"
    needs = ("backward",)
    reads = ("backward", "stalled", "backward_passes", "turn", "judge_weight_norm")
    leads_to = {
        Effect.NOT_LEARNING: "weights that no step moves stay as they were made",
    }
    limits = {
        "passes": Limit(16, "passes", "ours: a long accumulation; no run is for its first step"),
        "cut": Limit(64, "passes", "ours: the same in a run that was stopped or broke"),
        "windows": Limit(8, "times the longest accumulation", "ours: an epoch's rest is one"),
    }

    def why_skipped(self, run: RunView) -> str | None:
        """Tells of a run without backward passes, or without an optimizer that could step."""
        if not any(True for _ in run.events(BACKWARD)):
            return super().why_skipped(run)
        return None if run.optimizers else "no optimizer was built"

    def review(self, run: RunView) -> Iterator[Finding]:
        code = run.facts.get("exit_code", 0)
        if code not in (0, None, INTERRUPTED) and not run.observed:
            return  # an error came before the first step, and is what to look at
        limit = self.limit("cut" if code != 0 or "stopped" in run.facts else "passes")
        judging = lines_of_idle_judges(run)
        for built in run.optimizers:
            still = built.training is None and built.moved is False
            if built.backward is not None and (built.process, built.backward) in judging:
                continue  # `discriminator-not-stepped`
            if still and built.with_gradient >= limit and built.in_training is not False:
                yield self._never(built)
        for training in run.trainings:
            yield from self._no_longer(run, training)

    def _never(self, built: BuiltOptimizer) -> Finding:
        names = ", ".join(built.waiting[:2]) or "no known module"
        more = f" and {built.waiting_count - 2} more" if built.waiting_count > 2 else ""
        at = f" (built at {built.site})" if built.site else ""
        return self._finding(
            f"{built.optimizer}{at} never stepped, though its parameters ({names}{more}) had a "
            f"gradient after {built.with_gradient} of {built.passes} backward passes",
            Where(site=built.backward or built.site),
            built.with_gradient,
            process=built.process,
        )

    def _no_longer(self, run: RunView, training: Training) -> Iterator[Finding]:
        """Looks for passes after the last step that are no other work than the training's own."""
        stalled = [e for e in run.events(STALLED) if e.training == training.index]
        if not stalled or stalled[-1].step < training.steps:
            return
        last = stalled[-1]
        passes = training.series("backward_passes").finite().values
        usual = {event.site for event in run.events(BACKWARD) if event.step < training.steps}
        if (
            not passes
            or last.data["passes"] < self.limit("windows") * max(passes)
            or last.data["training"] is False
            or last.data["finite"] is False
            or last.site not in usual
        ):
            return
        yield self._finding(
            f"{training} stopped to step: {last.data['passes']} backward passes at the same line "
            f"followed its last step, number {training.steps}",
            Where(site=last.site),
            last.data["passes"],
            step=training.steps,
            training=training,
        )

    def _finding(
        self,
        summary: str,
        where: Where,
        passes: int,
        *,
        step: int = 0,
        training: Training | None = None,
        process: int = 0,
    ) -> Finding:
        return self.found(
            summary,
            "gradients alone change nothing: without a step the weights stay as they are",
            try_=("call optimizer.step() after loss.backward()",),
            where=where,
            steps=(step, step),
            evidence=(Evidence("backward_passes", passes, 0, "passes"),),
            training=training,
            process=process,
        )
