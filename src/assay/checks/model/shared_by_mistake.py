"""The check `shared-by-mistake`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import MODEL
from ...journal.view import RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class SharedByMistake(Check):
    """A list of layers holds one layer several times: they have the same weights.

    ## What it does
    Looks for one module object that stands at several numbered places of one container, has
    weights, and has no name of its own.

    ## Why it matters
    `[layer] * 6` makes a list of six references to one layer. The model runs, at the cost of six,
    and has a sixth of the weights that its author counts with; heads that were to differ give the
    same answer.

    ## Evidence
    Exact: the object is the same one, so training can't tell the places apart.

    ## Known exceptions
    Silent: modules without weights (an activation in many places); a module that is also an
    attribute (`self.block`, and `self.blocks = nn.ModuleList([self.block] * 6)`), or is called in a
    loop, as sharing on purpose is mostly written; shared weights (tied embeddings); one encoder
    under two names, as in a siamese net.

    ## Example
    `nn.ModuleList([block] * 6)`, or `nn.ModuleList([block for _ in range(6)])`.

    ## What to try
    `nn.ModuleList([Block(width) for _ in range(6)])`, or `copy.deepcopy(block)` for each place.
    If sharing is meant: give the block a name of its own, and call it in a loop.

    ## References
    Python documentation, "Common Sequence Operations": items of `s * n` "are not copied; they are
    referenced multiple times". On purpose: Lan et al., ALBERT, 2020.
    """

    name = "shared-by-mistake"
    family = "model"
    severity = "warning"
    tier = "exact"
    by_hand = "whether one module at several places is meant is the model's to say"
    needs = ("model",)
    reads = ("model",)
    limits = {"places": Limit(2, "places", "one object at two numbers of a list")}

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each container that holds one module with weights twice."""
        if next(run.events(MODEL), None) is None:
            return
        for shared in run.shared:
            if shared.kind != "module" or len(shared.names) < self.limit("places"):
                continue
            parents = {name.rpartition(".")[0] for name in shared.names}
            numbered = all(name.rpartition(".")[2].isdigit() for name in shared.names)
            first = shared.names[0]
            weights = [p for p in run.parameters if p.name.startswith(f"{first}.")]
            if len(parents) != 1 or not numbered or not weights:
                continue
            module, container = run.module(first), run.module(parents.pop())
            site = container.site if container is not None and container.site else None
            if site is None and module is not None:
                site = module.site
            kind = module.kind if module is not None else "module"
            yield self.found(
                f"one {kind} stood at {len(shared.names)} places of a list "
                f"({_short(shared.names)}): all have the same weights",
                "a list that is multiplied holds references to one object, not copies of it",
                try_=(
                    "build a layer for each place: [Layer(...) for _ in range(n)], or "
                    "copy.deepcopy",
                    "if it is meant, keep the layer as an attribute and call it in a loop",
                ),
                where=Where(module=first, site=site),
                evidence=(Evidence("places", len(shared.names), self.limit("places"), ""),),
                began=(0, 0),
            )


def _short(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{names[0]} to {names[-1]}"
