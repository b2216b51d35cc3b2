"""The check `parameters-outside-optimizer`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...journal.events import (
    LOAD_STATE,
    LOOSE_PARAMETERS,
    MODEL,
    OUTSIDE_OPTIMIZER,
    WITHOUT_GRADIENT,
)
from ...journal.view import RunView, Site, Training
from ...signals.players import idle_judges
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where


class ParametersOutsideOptimizer(Check):
    """Parameters get gradients, but no optimizer of the process holds them: they never change.

    ## What it does
    After the last sampled backward pass, lists the trainable parameters that have a gradient and
    are in no optimizer that the process built, and whose weights did not change by other means. It
    also looks for weights in the graph of the loss that belong to no model: layers in a plain list.

    ## Why it matters
    They stay as they were initialised, so the rest of the model learns to live with random layers.
    Nothing fails, and the loss may even fall.

    ## Evidence
    Exact. An error if the optimizer holds parameters that never get a gradient instead (the model
    was changed later), if they were frozen before, or if modules behind trained ones are missing.
    A note if everything outside lies before all that is trained: then a head is trained on a
    backbone that was only not told to compute no gradients.

    ## Known exceptions
    Silent: frozen parameters (`requires_grad=False`), a GAN's other player, teachers, several
    optimizers, weights changed by hand, parts of modules (only biases, only norms, adapters between
    layers), loaded weights, optimised inputs, a model in evaluation mode that judges another one.
    Where the optimizer's own parameters are not used at all any more, that is another fault.

    ## Example
    `optimizer = Adam(model.parameters())`, and then `model.head = nn.Linear(64, 10)`.

    ## What to try
    Build the optimizer last, from `model.parameters()`; use `add_param_group` for what comes later;
    freeze with `requires_grad_(False)` what is not to learn.

    ## References
    Silent-error study: TrainCheck (OSDI 2025), cases pytorch-forum-84911 and accelerate-2665.
    """

    name = "parameters-outside-optimizer"
    family = "optimizer"
    severity = "error"
    tier = "exact"
    needs = ("grad_norm",)
    reads = (
        "grad_norm", "outside_optimizer", "outside_weight_norm", "loose_parameters",
        "without_gradient", "model", "load_state", "turn", "judge_weight_norm",
    )  # fmt: skip
    leads_to = {
        Effect.RATE_TOO_LOW: "what is trained has little to gain alone, so its steps look short",
        Effect.NOT_LEARNING: "parameters that nobody updates stay as they were made",
    }
    limits = {
        "steps": Limit(3, "steps", "ours: an optimizer may be built a step or two late"),
        "borders": Limit(
            3, "changes", "ours: one forgotten block has two borders; adapters have one per layer"
        ),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        yield from self._loose(run)
        changes = list(run.events(OUTSIDE_OPTIMIZER))
        last = changes[-1] if changes else None
        if last is None or last.training is None or not last.data["count"]:
            return
        training = run.trainings[last.training]
        if any(pair.process == training.process for pair, _ in idle_judges(run)):
            return  # `discriminator-not-stepped`
        outside = [str(name) for name in last.data["names"]]
        fixed = training.series("outside_weight_norm")
        if not self._stay(training) or not training.places("grad_norm"):
            return
        stale, thawed = self._stale(run, outside), last.data.get("thawed", 0)
        kind = "stale" if stale else "thawed" if thawed else self._kind(run, outside)
        if kind is None:
            return
        count, elements = last.data["count"], last.data["elements"]
        some = ", ".join(outside[:3]) + (", ..." if count > 3 else "")
        held = f"; {thawed} of them were frozen before" * (kind == "thawed")
        held += f"; it holds {stale} that never got a gradient instead" * bool(stale)
        yield self.found(
            f"{count} parameters ({elements:,} numbers: {some}) got gradients "
            f"but are in no optimizer{held}",
            "they never change"
            if kind != "backbone"
            else "only what comes after them is trained; their gradients cost time for nothing",
            try_=(
                ("freeze them with requires_grad_(False), if only the head is to learn",)
                if kind == "backbone"
                else (
                    "build the optimizer after the model is complete, from model.parameters()",
                    "give what was added later to optimizer.add_param_group",
                )
            ),
            where=Where(site=training.site, parameter=outside[0]),
            steps=(fixed.steps[0], fixed.steps[-1]),
            evidence=(Evidence("outside_weight_norm", fixed.last, None, "1"),),
            tricks=() if kind == "backbone" else (Remedy("add-parameters"),),
            severity="note" if kind == "backbone" else "error",
            training=training,
            parameters=outside,
        )

    def _stay(self, training: Training) -> bool:
        """Whether nobody moves what lies outside."""
        fixed, least = training.series("outside_weight_norm"), int(self.limit("steps"))
        enough = len(fixed) >= least and training.steps >= least
        return enough and len(set(fixed.values[-least:])) == 1

    def _loose(self, run: RunView) -> Iterator[Finding]:
        """Looks for weights that belong to no model."""
        last = {event.training: event for event in run.events(LOOSE_PARAMETERS)}
        for index, event in last.items():
            data = event.data
            if index is None or not data["count"] or not self._stay(run.trainings[index]):
                continue
            training, names = run.trainings[index], ", ".join(data["names"][:3])
            fixed = training.series("outside_weight_norm")
            yield self.found(
                f"{data['count']} parameters ({data['elements']:,} numbers: {names}"
                f"{', ...' * (data['count'] > 3)}) got gradients, but are part of no model and in "
                "no optimizer",
                "a module knows only the layers that are its attributes, or in an nn.ModuleList: "
                "those in a plain list or dict are never trained, moved or saved",
                try_=(
                    "keep layers in nn.ModuleList or nn.ModuleDict, weights in nn.ParameterList",
                ),
                where=Where(
                    site=Site.read(data["by"]) or training.site, parameter=data["names"][0]
                ),
                steps=(fixed.steps[0], fixed.steps[-1]),
                evidence=(Evidence("outside_weight_norm", fixed.last, None, "1"),),
                training=training,
                parameters=data["names"],
            )

    @staticmethod
    def _stale(run: RunView, outside: list[str]) -> int:
        """Counts parameters that the optimizer holds and the model no longer has."""
        known = {p.name for p in run.parameters}
        latest = {e.training: e for e in run.events(WITHOUT_GRADIENT)}
        return sum(
            name in outside or name not in known
            for event in latest.values()
            for name in event.data["names"]
        )

    def _kind(self, run: RunView, outside: list[str]) -> str | None:
        """Says what lies outside: a `backbone`, a `part`, or a choice."""
        missing = set(outside)
        flags = [
            (p.module, p.name in missing)
            for p in run.parameters
            if p.trainable and (p.group is not None or p.name in missing)
        ]
        if all(out for _, out in flags):
            return None  # an input is optimised, or another model
        if {module for module, out in flags if out} & {module for module, out in flags if not out}:
            return None  # only biases, only scales: nobody forgets those
        modes = {module.name: module.training for module in run.modules}
        if not any(modes.get(p.module, True) for p in run.parameters if p.name in missing) and any(
            modes.get(p.module, False) for p in run.parameters if p.group is not None
        ):
            return None  # kept in evaluation mode beside a model that is trained: a judge
        borders = sum(a[1] != b[1] for a, b in pairwise(flags))
        if borders == 1 and flags[0][1]:
            return "backbone"
        if borders > self.limit("borders") or self._loaded(run, missing):
            return None
        return "part"

    @staticmethod
    def _loaded(run: RunView, missing: set[str]) -> bool:
        """Whether these weights came from a checkpoint: a trained head may be meant to stay."""
        modules = {module.kind for module in run.modules}
        modules |= {e.data["cls"] for e in run.events(MODEL)}
        for event in run.events(LOAD_STATE):
            absent = {str(key) for key in event.data["missing"]}
            if event.data["owner"] in modules and not (missing & absent):
                return True
        return False
