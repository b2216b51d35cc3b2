"""The check `loss-detached`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import (
    BACKWARD_FAILED,
    GRAPH_CUT,
    LOSS_CALL,
    LOSS_WITHOUT_GRAPH,
    OUTSIDE_OPTIMIZER,
    WITHOUT_GRADIENT,
    WithoutGradient,
)
from ...journal.view import Event, RunView, Site, Training
from ...signals.objective import apart
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where

NO_GRAPH = ("does not require grad", "does not have a grad_fn")


class LossDetached(Check):
    """The loss is cut off from the model: no parameter gets a gradient from it.

    ## What it does
    Assay looks at the tensor that `backward()` is called on and at which of the optimizer's
    parameters have a gradient when it steps. If none of them has one at any sampled step, or torch
    refused to go backward, that is reported.

    ## Why it matters
    The optimizer has nothing to step with: the weights stay as they were initialised, and no error
    says so.

    ## Evidence
    Exact. The number of the optimizer's parameters that have a gradient: none, at every sampled
    step.

    ## Known exceptions
    A model of which a part gets gradients is silent: teachers, stop-gradients, frozen layers, a
    player of a GAN that rests. So is an optimizer that holds the parameters of another model than
    the one that is trained: that is `parameters-outside-optimizer`.

    ## Example
    `loss = torch.tensor(loss.item(), requires_grad=True)`; a prediction taken by `argmax`,
    `.detach()`, `.data`, through numpy, or under `no_grad`, and then `loss.requires_grad_()` to
    quiet torch.

    ## What to try
    Compute the loss from the model's own output, with torch operations all the way, and without
    `.item()`, `.detach()`, `.numpy()` or a new `torch.tensor(...)` in between.

    ## References
    PyTorch documentation, "Autograd mechanics".
    """

    name = "loss-detached"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "the way from the model to the loss was cut by the script's own code"
    needs = ("loss",)
    reads = (
        "loss",
        "backward_failed",
        "without_gradient",
        "outside_optimizer",
        "grad_norm",
        "gradient_discarded",
        "backward_passes",
        "loss_call",
        "loss_without_graph",
        "graph_cut",
    )
    leads_to = {
        Effect.NOT_LEARNING: "no gradient reaches the weights, so they stay as they are",
    }
    limits = {
        "gradients": Limit(0, "parameters", "definition: nothing is learnt without one"),
        "since": Limit(8, "passes", "ours: as long as a window of samples"),
    }

    def why_skipped(self, run: RunView) -> str | None:
        """Judges a run that broke at its first backward pass: it has no series at all."""
        failed = any(True for _ in run.events(BACKWARD_FAILED))
        return None if failed else super().why_skipped(run)

    def review(self, run: RunView) -> Iterator[Finding]:
        for failed in run.events(BACKWARD_FAILED):
            if any(words in failed.data["error"] for words in NO_GRAPH):
                yield self._finding(
                    f"backward() failed at step {failed.step}: the loss has no graph",
                    self._cut(run) or failed.site,
                    (failed.step, failed.step),
                    process=failed.process,
                )
                return
        if any(True for _ in run.events(OUTSIDE_OPTIMIZER)):
            return
        trained = [t for t in run.trainings if t.steps]
        without = [
            (t, e) for t in trained if (e := _without(run, t, self.limit("since"))) is not None
        ]
        others = [t for t in trained if all(t is not other for other, _ in without)]
        # players of a GAN take turns; a training before or after this one says nothing of it
        without = [(t, e) for t, e in without if all(apart(t, other) for other in others)]
        for training, event in without:
            leaf = next(iter(run.events(LOSS_WITHOUT_GRAPH)), None)
            cut = " (the loss is a tensor made anew, without a graph)" if leaf else ""
            said = (
                f"got a gradient from step {event.step} on, to the end at step {training.steps}"
                if training.places("grad_norm")
                else f"ever got a gradient in {training.steps} steps"
            )
            yield self._finding(
                f"none of the {event.data['of']} trainable parameters of {training.optimizer} "
                f"{said}{cut}",
                self._cut(run, training) or (leaf.site if leaf else None) or training.site,
                (event.step, training.steps - 1),
                training,
            )

    def _finding(
        self,
        summary: str,
        site: Site | None,
        steps: tuple[int, int],
        training: Training | None = None,
        process: int = 0,
    ) -> Finding:
        return self.found(
            summary,
            "without a graph from the loss to the weights there is no gradient, and no step moves "
            "anything",
            try_=(
                "compute the loss from the model's own output, without .item(), .detach(), .data, "
                ".numpy(), argmax or torch.tensor(...) on the way",
            ),
            where=Where(site=site),
            steps=steps,
            evidence=(Evidence("grad_norm", 0, self.limit("gradients"), "parameters"),),
            training=training,
            process=process,
        )

    def _cut(self, run: RunView, training: Training | None = None) -> Site | None:
        """Returns the line that cut the graph, or of a loss function whose input lacks it."""
        for event in run.events(GRAPH_CUT):
            if training is not None and event.training == training.index and event.data["how"]:
                return Site.read(event.data["by"])
        calls = list(run.events(LOSS_CALL))
        cut = [e for e in calls if not e.data.get("requires_grad") and not e.data.get("in_graph")]
        return cut[0].site if cut and len(cut) == len(calls) else None


def _without(run: RunView, training: Training, least: float) -> Event[WithoutGradient] | None:
    """Returns the event that no trainable parameter had a gradient, from its step to the end."""
    events = [e for e in run.events(WITHOUT_GRADIENT) if e.training == training.index]
    last = events[-1] if events else None
    if last is None or not last.data["count"] or last.data["count"] != last.data["of"]:
        return None
    given = [
        step for p in training.places("grad_norm") for step in training.series("grad_norm", p).steps
    ]
    if not given:
        discarded = any(training.series("gradient_discarded").values)
        return last if len(events) == 1 and not discarded else None
    # passes were seen since, and none of them gave one
    passes = [step for step in training.series("backward_passes").steps if step > last.step]
    if max(given) >= last.step or len(passes) < least:
        return None
    lost = training.series("gradient_discarded").between(last.step, training.steps)
    return None if any(lost.values) else last
