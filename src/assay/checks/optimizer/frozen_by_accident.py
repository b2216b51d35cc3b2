"""The check `frozen-by-accident`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import VAIN_THAW
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where


class FrozenByAccident(Check):
    """Parameters are frozen that the script evidently wanted to train.

    ## What it does
    Looks for three things at sampled steps. `requires_grad = True` was set on a module, or a
    misspelt attribute on a parameter, and what it holds is frozen to the end: such an attribute is
    read by nobody. All parameters of an optimizer are frozen at every step that it takes. Or all of
    a group are, that was given a learning rate of its own.

    ## Why it matters
    What is frozen stays as it was made or loaded, and only the rest learns. Nothing fails.

    ## Evidence
    Exact: `thawed_in_vain` and `frozen_share` are 1 at every sample. A warning for a group with a
    rate of its own.

    ## Known exceptions
    Silent: backbones that are frozen on purpose, also if the optimizer holds them with all others;
    what is thawed later in the run; groups that differ in weight decay alone; an attribute that a
    module sets on itself.

    ## Example
    `model.layer4.requires_grad = True` after all parameters were frozen; a discriminator that was
    frozen for the generator's step and never thawed.

    ## What to try
    `module.requires_grad_(True)`, or `p.requires_grad = True` for each of its parameters.

    ## References
    PyTorch documentation, `torch.nn.Module.requires_grad_`; torchfix, TOR002 (`require_grad`).
    """

    name = "frozen-by-accident"
    family = "optimizer"
    severity = "error"
    tier = "exact"
    needs = ("frozen_share",)
    reads = (
        "frozen_share",
        "thawed_in_vain",
        "vain_thaw",
        "learning_rate",
    )
    leads_to = (Effect.RATE_TOO_LOW, Effect.NOT_LEARNING)
    limits = {
        "steps": Limit(20, "steps", "ours: it may be thawed after a few steps"),
        "samples": Limit(3, "samples", "ours: one step is no training"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            if training.steps < self.limit("steps"):
                continue
            vain = list(self._in_vain(run, training))
            yield from vain or self._groups(training)

    def _in_vain(self, run: RunView, training: Training) -> Iterator[Finding]:
        """Finds what was to be thawed by an attribute that nobody reads."""
        kept = [
            event
            for event in run.events(VAIN_THAW)
            if (series := training.series("thawed_in_vain", event.data["place"])).values
            and min(series.values) == 1
        ]
        if not kept:
            return
        first = kept[0].data
        attribute, place = first["attribute"], first["place"]
        more = f"; so it was on {len(kept) - 1} more" if len(kept) > 1 else ""
        is_module = attribute == "requires_grad"
        held = "all parameters of this module" if is_module else "it"
        are = "were" if is_module else "was"
        series = training.series("thawed_in_vain", place)
        yield self.found(
            f"`{attribute} = True` was set on {'the module ' if is_module else ''}{place}, and "
            f"{held} {are} frozen at all {len(series)} sampled steps{more}",
            "it is an attribute like any other, which torch does not read: nothing was thawed",
            try_=(
                "module.requires_grad_(True), which thaws its parameters"
                if is_module
                else "p.requires_grad = True",
            ),
            where=Where(
                site=Site.read(first["line"]) or training.site,
                module=place if is_module else None,
                parameter=None if is_module else place,
            ),
            steps=(series.steps[0], series.steps[-1]),
            evidence=(Evidence("thawed_in_vain", 1.0, None, "of parameters", place),),
            tricks=(Remedy("unfreeze", f"{place}*" if place else "*"),),
            training=training,
        )

    def _groups(self, training: Training) -> Iterator[Finding]:
        """Finds groups all of whose parameters are frozen at every step."""
        places = training.places("frozen_share")
        frozen = [
            place
            for place in places
            if len(series := training.series("frozen_share", place)) >= self.limit("samples")
            and min(series.values) == 1
        ]
        whole = bool(frozen) and len(frozen) == len(places)
        apart = frozen if whole else [p for p in frozen if self._has_own_rate(training, p, places)]
        if not apart:
            return
        series = training.series("frozen_share", apart[0])
        what = (
            f"all parameters that {training} holds were frozen"
            if whole
            else f"all parameters of {apart[0]} of {training} were frozen, though it has a "
            "learning rate of its own"
        )
        yield self.found(
            f"{what}, at all {len(series)} sampled of {training.steps} steps",
            "its steps change nothing",
            try_=("requires_grad_(True) on what is to learn, before the backward pass",),
            where=Where(
                site=training.site, group=None if whole else int(apart[0].rpartition(" ")[2])
            ),
            steps=(series.steps[0], series.steps[-1]),
            evidence=(Evidence("frozen_share", 1.0, None, "of parameters", apart[0]),),
            tricks=(Remedy("unfreeze"),) if whole else (),
            severity="error" if whole else "warning",
            tier="exact" if whole else "heuristic",
            training=training,
        )

    def _has_own_rate(self, training: Training, place: str, places: tuple[str, ...]) -> bool:
        """Whether a group's first rate is above 0 and differs from that of every other group."""
        rates = {p: training.series("learning_rate", p).first for p in places}
        own = rates.pop(place)
        return own > 0 and all(own != other for other in rates.values())
