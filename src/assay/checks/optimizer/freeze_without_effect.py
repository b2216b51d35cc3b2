"""The check `freeze-without-effect`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import VAIN_FREEZE
from ...journal.view import RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class FreezeWithoutEffect(Check):
    """A module was to be frozen by an attribute that nobody reads, and is trained.

    ## What it does
    Looks for modules on which `requires_grad = False` was set, and counts at sampled steps how many
    of their parameters that the optimizer holds have a gradient.

    ## Why it matters
    A module has no such switch: the line makes an attribute, and all its parameters go on learning.
    What was to stay as it was loaded is changed, at a rate that was chosen for a new head.

    ## Evidence
    Exact: `frozen_in_vain` is 1 at every sample.

    ## Known exceptions
    Silent: modules that are frozen in the right way as well, or run without gradients; parameters
    that no optimizer holds; an attribute that a module sets on itself, and may read.

    ## Example
    `model.backbone.requires_grad = False`.

    ## What to try
    `model.backbone.requires_grad_(False)`, or `p.requires_grad = False` for each of its parameters.

    ## References
    PyTorch documentation, `torch.nn.Module.requires_grad_`.
    """

    name = "freeze-without-effect"
    family = "optimizer"
    severity = "error"
    tier = "exact"
    by_hand = "one underscore in the script's own line"
    needs = ("frozen_share",)
    reads = ("frozen_share", "frozen_in_vain", "vain_freeze")
    limits = {"samples": Limit(3, "samples", "ours: it may be frozen after the first step")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            kept = [
                (event.data, series)
                for event in run.events(VAIN_FREEZE)
                if len(series := training.series("frozen_in_vain", event.data["place"]))
                >= self.limit("samples")
                and min(series.values) == 1
            ]
            if not kept:
                continue
            (data, series), more = kept[0], len(kept) - 1
            also = f"; so it was on {more} more" if more else ""
            yield self.found(
                f"`requires_grad = False` was set on the module {data['place']}, and all its "
                f"parameters that {training} holds had a gradient at all {len(series)} sampled "
                f"steps{also}",
                "it is an attribute like any other, which torch does not read: nothing was frozen",
                try_=("module.requires_grad_(False), which freezes its parameters",),
                where=Where(site=Site.read(data["line"]) or training.site, module=data["place"]),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(Evidence("frozen_in_vain", 1.0, None, "of parameters", data["place"]),),
                training=training,
            )
