"""The check `stale-parameters`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import OUTSIDE_OPTIMIZER, WITHOUT_GRADIENT
from ...journal.view import RunView, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where


class StaleParameters(Check):
    """The optimizer holds the weights of a model that is no longer the one that is trained.

    ## What it does
    At sampled steps assay notes which of an optimizer's parameters have no gradient, and which
    parameters have one and are in no optimizer. If none of the optimizer's own ever has one, and
    nobody moves the others, it steps for nothing.

    ## Why it matters
    No step changes anything, and nothing fails.

    ## Evidence
    Exact. `without_gradient` lists all trainable parameters of the optimizer; `outside_weight_norm`
    is the norm of those that have a gradient instead, and stays the same.

    ## Known exceptions
    Silent: a player of a GAN that rests, optimizers of other phases, weights that are moved by
    hand. If only a part of the model was replaced, that is another fault.

    ## Example
    `optimizer = Adam(model.parameters())`, and then `model = build_model()` once more, or
    `model = copy.deepcopy(model)`.

    ## What to try
    Build the optimizer last, from the model that the loop calls.

    ## References
    PyTorch documentation, `torch.optim`, "Constructing it". Silent-error study: TrainCheck (OSDI
    2025).
    """

    name = "stale-parameters"
    family = "optimizer"
    severity = "error"
    tier = "exact"
    needs = ("backward",)
    reads = (
        "backward",
        "without_gradient",
        "outside_optimizer",
        "outside_weight_norm",
        "grad_norm",
    )
    leads_to = (Effect.NOT_LEARNING,)
    limits = {"steps": Limit(3, "steps", "ours: an optimizer may be built a step or two late")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            if training.optimizer and not training.places("grad_norm"):
                yield from self._judge(run, training)

    def _judge(self, run: RunView, training: Training) -> Iterator[Finding]:
        without = [e for e in run.events(WITHOUT_GRADIENT) if e.training == training.index]
        outside = [e for e in run.events(OUTSIDE_OPTIMIZER) if e.training == training.index]
        fixed, least = training.series("outside_weight_norm"), int(self.limit("steps"))
        if (
            len(without) != 1
            or without[0].data["count"] != without[0].data["of"]
            or not outside
            or not outside[-1].data["count"]
            or len(fixed) < least
            or len(set(fixed.values)) > 1
        ):
            return
        own, other = without[0].data, outside[-1].data
        names = ", ".join(other["names"][:3]) + (", ..." if other["count"] > 3 else "")
        yield self.found(
            f"none of the {own['count']} parameters of {training} ever got a gradient in "
            f"{training.steps} steps, while {other['count']} others did ({names}) that no "
            "optimizer holds",
            "the optimizer steps on a model that is no longer used: nothing is trained",
            try_=("build the optimizer after the model, from the model that the loop calls",),
            where=Where(site=training.site),
            steps=(fixed.steps[0], fixed.steps[-1]),
            evidence=(Evidence("outside_weight_norm", fixed.last, None, "1"),),
            tricks=(Remedy("add-parameters"),),
            training=training,
            parameters=list(other["names"]),
        )
