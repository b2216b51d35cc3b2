"""The check `loss-shape-broadcast`."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from ...journal.events import LOSS_CALL, PAIRS_COMPARED
from ...journal.view import RunView, Site
from ...signals.objective import training_of
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where

ELEMENTWISE = (
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "soft_margin_loss",
    "poisson_nll_loss",
    "kl_div",
)

SIGNS = {"Sub": "-", "Mul": "*", "Div": "/", "Add": "+"}


def broadcast(a: list[int], b: list[int]) -> list[int] | None:
    """Returns an element-by-element operation's shape; None if the shapes don't fit."""
    longest = max(len(a), len(b))
    pairs = zip([1] * (longest - len(a)) + list(a), [1] * (longest - len(b)) + list(b), strict=True)
    shape = []
    for m, n in pairs:
        if m != n and 1 not in (m, n):
            return None
        shape.append(n if m == 1 else m)
    return shape


class LossShapeBroadcast(Check):
    """A loss compares every prediction with every target, because their shapes differ.

    ## What it does
    For each kind of call of an element-by-element loss assay compares the shapes of input and
    target. If they have different numbers of dimensions and broadcast to more elements than either
    has, that is reported. Of a loss written by hand, such as `((p - y) ** 2).mean()`, it follows
    the graph from the loss back to the first layer, and compares the shapes that each `-`, `+`, `*`
    and `/` was given.

    ## Why it matters
    Of predictions `[N, 1]` and targets `[N]` torch makes an N x N table. Its mean is least where
    every prediction is the mean of the batch's targets: the model learns a constant.

    ## Evidence
    Exact. The shapes of the call, and the number of elements that were compared against the number
    of targets.

    ## Known exceptions
    A scalar target, one target for a whole row, and a batch of one are silent: nothing is compared
    that should not be. So are pairs built on purpose, where both sides have the same number of
    dimensions (`[N, Q, 1]` against `[N, 1, Q]`). In a loss written by hand, so are tables of which
    a side was widened by `unsqueeze`, `None` or `view`, two views of the same numbers, and rows of
    unlike length.

    ## Example
    `F.mse_loss(model(x), y)` with an output of shape `[64, 1]` and targets of shape `[64]`;
    `((returns - values) ** 2).mean()`, `(log_prob * advantage).mean()` with such shapes.

    ## What to try
    Make the shapes equal: `model(x).squeeze(1)` or `y.unsqueeze(1)`.

    ## References
    PyTorch's own UserWarning "Using a target size that is different to the input size"; PyTorch
    documentation, broadcasting semantics.
    """

    name = "loss-shape-broadcast"
    family = "loss"
    severity = "error"
    tier = "exact"
    needs = ("loss_call",)
    reads = ("loss_call", "loss_call_value", "pairs_compared")
    leads_to = {
        Effect.NOT_LEARNING: "the best answer to all targets at once is their mean",
    }
    limits = {
        "growth": Limit(1.0, "compared / given", "definition: each prediction has one target"),
    }

    def why_skipped(self, run: RunView) -> str | None:
        """Judges a run that calls no loss function, but compares by hand."""
        by_hand = any(True for _ in run.events(PAIRS_COMPARED))
        return None if by_hand else super().why_skipped(run)

    def review(self, run: RunView) -> Iterator[Finding]:
        yield from self._calls(run)
        yield from self._by_hand(run)

    def _by_hand(self, run: RunView) -> Iterator[Finding]:
        """Looks at the arithmetic on the way to a loss."""
        for event in run.events(PAIRS_COMPARED):
            a, b = event.data["one"], event.data["other"]
            table = broadcast(a, b)
            if table is None or not (growth := prod(table) / prod(a)) > self.limit("growth"):
                continue
            line = event.data["line"]
            sign = SIGNS[event.data["operation"]]
            yield self.found(
                f"{a} {sign} {b} gave {table}: {prod(table)} pairs for {prod(a)} numbers, and "
                "their mean became the loss",
                "each number of the one is held against every number of the other; the best that "
                "the model can do is the same answer for all",
                try_=("make the shapes equal, for example model(x).squeeze(-1)",),
                where=Where(site=Site(*line) if line else event.site),
                steps=(event.step, event.step),
                evidence=(
                    Evidence("pairs_compared", growth, self.limit("growth"), "compared / given"),
                ),
                process=event.process,
            )

    def _calls(self, run: RunView) -> Iterator[Finding]:
        for event in run.events(LOSS_CALL):
            source, target = event.data["input"], event.data["target"]
            if event.data["fn"] not in ELEMENTWISE or not target:
                continue
            a, b = source["shape"], target["shape"]
            table = broadcast(a, b)
            if len(a) == len(b) or table is None:
                continue
            growth = prod(table) / max(prod(a), prod(b), 1)
            if growth <= self.limit("growth"):
                continue
            yield self.found(
                f"{event.data['fn']} compared {prod(table)} pairs for {prod(b)} targets: "
                f"predictions {a} and targets {b} broadcast to {table}",
                "each prediction is held against every target of the batch, so the best that the "
                "model can do is to predict their mean",
                try_=(
                    "make the shapes equal, for example model(x).squeeze(-1) or y.unsqueeze(-1)",
                ),
                where=Where(site=event.site),
                steps=(event.step, event.step),
                evidence=(Evidence("loss_call", growth, self.limit("growth"), "compared / given"),),
                tricks=(Remedy("match-target-shape"),),
                training=training_of(run, event),
                process=event.process,
            )
