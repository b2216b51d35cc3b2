"""The check `parameters-without-gradient`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import GRAPH_CUT, GraphCut
from ...journal.view import Event, RunView, Site, Training
from ...signals.objective import apart
from ...signals.players import cut_generators
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import Steps

_HOW = {
    "detach": "detach()",
    "detach_": "detach_()",
    "data": ".data",
    "tensor": "torch.tensor(...)",
    "item": "item()",
    "tolist": "tolist()",
    "numpy": "numpy()",
    "__float__": "float(...)",
    "comparison": "a comparison",
    "argmax": "argmax()",
    "no_grad": "a region without gradients",
    "checkpoint": "a re-entrant checkpoint none of whose inputs needs a gradient",
}
_MENDS = {
    "no_grad": "compute what is to be trained outside torch.no_grad()",
    "checkpoint": "pass use_reentrant=False to checkpoint, or give it an input that needs a "
    "gradient (`x.requires_grad_()`)",
}


class ParametersWithoutGradient(Check):
    """Parameters are held by the optimizer and used in every step, but no gradient reaches them.

    ## What it does
    Where parameters have no gradient at two steps in a row, assay follows the next two iterations:
    which of their modules are called, and where tensors that depend on them leave the graph.

    ## Why it matters
    They stay at random values, and the rest of the model learns to live with them.

    ## Evidence
    Exact. None of the parameters ever had a gradient, though their modules were called in training
    mode. The line is that of `detach()`, `.data`, `item()`, `torch.no_grad()` or the checkpoint. A
    note if no such line was seen: then nothing that was computed with them comes to the loss.

    ## Known exceptions
    Silent: experts and branches that do not run, parameters that get a gradient later or in another
    training, weights that were loaded, weights that change all the same (target networks, moving
    averages), modules in evaluation mode, frozen parameters.

    ## Example
    `checkpoint(block, x, use_reentrant=True)`, where `x` comes from frozen layers.

    ## What to try
    Take the cut away; or freeze the parameters with `requires_grad_(False)`, if it is meant.

    ## References
    PyTorch documentation, `torch.utils.checkpoint.checkpoint`, on `use_reentrant`.
    """

    name = "parameters-without-gradient"
    family = "model"
    severity = "error"
    tier = "exact"
    by_hand = "the way to them was cut by the model's own code, or is meant"
    needs = ("grad_norm",)
    reads = ("graph_cut", "ungraded_weight_norm", "grad_norm", "turn")
    requires = (Steps(),)
    limits = {"steps": Limit(16, "steps", "ours: a part may join some steps later")}

    def review(self, run: RunView) -> Iterator[Finding]:
        graded = {
            (training.process, place)
            for training in run.trainings
            for place in training.places("grad_norm")
        }
        cut_off = {training.index for _, training in cut_generators(run)}
        for training in self.judgeable(run):
            for event in run.events(GRAPH_CUT):
                if event.training != training.index or training.index in cut_off:
                    continue
                names = [
                    name
                    for name in event.data["names"]
                    if (training.process, name) not in graded and not _moves(training, name)
                ]
                if names and _reaches_others(run, training):  # else it is `loss-detached`
                    yield self._finding(event, training, names)

    def _finding(self, event: Event[GraphCut], training: Training, names: list[str]) -> Finding:
        how, by = event.data["how"], Site.read(event.data["by"])
        some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        count = event.data["count"] - len(event.data["names"]) + len(names)
        at = f" at {by}" if by else ""
        cut = f"their graph was cut by {_HOW[how]}{at}" if how else "no graph leads to them"
        return self.found(
            f"{count} parameter{'s' * (count != 1)} of {training} ({some}) never got a gradient in "
            f"{training.steps} steps, though their modules ran: {cut}",
            "they stay as they were initialised, while the rest is trained",
            try_=(
                _MENDS.get(how or "", "take the cut away: keep the tensor itself")
                if how
                else "let the loss depend on what they compute, or take them away",
                "freeze them with requires_grad_(False), if they are not to learn",
            ),
            where=Where(site=by or training.site, parameter=names[0]),
            steps=(0, training.steps - 1),
            evidence=(Evidence("graph_cut", count, 0, "parameters"),),
            severity="error" if how else "note",
            training=training,
            parameters=names,
        )


def _reaches_others(run: RunView, training: Training) -> bool:
    """Whether a gradient reaches this training's other parameters, or those of one beside it."""
    return any(
        other.process == training.process and other.places("grad_norm")
        for other in run.trainings
        if other is training or not apart(other, training)
    )


def _moves(training: Training, name: str) -> bool:
    """Whether someone else changes this weight."""
    return len(set(training.series("ungraded_weight_norm", name).values)) > 1
