"""The check `linear-stack`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import LINEAR_PAIR
from ...journal.view import Module, RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class LinearStack(Check):
    """Layers follow each other with nothing non-linear between: together they are one linear layer.

    ## What it does
    Follows the recorded operations of a step from each matrix or kernel to the next. Reshaping,
    dropout, batch norm, a bias and a constant factor leave a linear function what it is; all else
    counts as non-linear.

    ## Why it matters
    Two linear layers in a row can say no more than one. A network without any activation separates
    classes by planes, however deep it is.

    ## Evidence
    Exact, of the operations that were computed. `linear_share`: of the layers that come after
    another one, those with nothing non-linear between. A warning where that is half of them or
    more, else a note.

    ## Known exceptions
    Silent: a first layer that is narrower than its input and than the second one's output (a factor
    of low rank: LoRA, a bottleneck, a linear autoencoder), kernels of another size or by groups
    (separable convolutions), results that are taken elsewhere too or that the model gives back, a
    matrix before a kernel, and such a pair at the very end (an embedding and its classifier).

    ## Example
    `nn.Sequential(nn.Linear(64, 128), nn.Dropout(0.1), nn.Linear(128, 10))`.

    ## What to try
    An activation between the two (`nn.ReLU()`), or one layer instead of both.

    ## References
    Goodfellow, Bengio and Courville, Deep Learning, 2016, section 6.1.
    """

    name = "linear-stack"
    family = "model"
    severity = "warning"
    tier = "exact"
    by_hand = "which activation was meant, or none, is the model's to say"
    needs = ("linear_share",)
    reads = ("linear_share", "linear_pair")
    limits = {
        "share": Limit(0.5, "of the layers", "ours: less may be meant"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields one finding for the layers of a run that have no non-linearity between."""
        shares = [
            (training, series)
            for training in run.trainings
            if len(series := training.series("linear_share").finite())
        ]
        pairs = [(event.data["first"], event.data["second"]) for event in run.events(LINEAR_PAIR)]
        if not shares or not pairs:
            return
        training, series = max(shares, key=lambda known: known[1].last)
        if not series.last > 0:
            return
        first, second = (_module(run, name) for name in pairs[0])
        called = next(run.events(LINEAR_PAIR)).data["line"]
        more = f", and {len(pairs) - 1} more such pairs" if len(pairs) > 1 else ""
        yield self.found(
            f"nothing non-linear stood between {_called(first, pairs[0][0])} and "
            f"{_called(second, pairs[0][1])}{more}",
            "two linear layers in a row are one linear layer",
            try_=("an activation between them", "one layer instead of both"),
            where=Where(
                module=second.name if second else None, site=_line(run, first, second, called)
            ),
            steps=(series.steps[0], series.steps[-1]),
            evidence=(Evidence("linear_share", series.last, self.limit("share"), ""),),
            severity="warning" if series.last >= self.limit("share") else "note",
            training=training,
            began=(0, 0),
        )


def _module(run: RunView, weight: str) -> Module | None:
    return run.module(weight.rpartition(".")[0])


def _called(module: Module | None, weight: str) -> str:
    return f"{module.kind} {module.name}" if module is not None else weight


def _line(
    run: RunView, first: Module | None, second: Module | None, called: list[object] | None
) -> Site | None:
    """Returns the line that built the second layer, in a sequence; else the one that calls it."""
    if first is not None and second is not None:
        around = {module.name.rpartition(".")[0] for module in (first, second)}
        box = run.module(next(iter(around))) if len(around) == 1 else None
        alone = len(around) == 1 and box is None  # the model itself
        if (box is not None and box.kind == "Sequential") or (alone and _numbered(second)):
            return second.site
    return Site.read(called)


def _numbered(module: Module) -> bool:
    return module.name.rpartition(".")[2].isdigit()
