"""The check `derivative-without-graph`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...journal.events import DERIVATIVE, Derivative
from ...journal.view import Event, RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import Samples


class DerivativeWithoutGraph(Check):
    """A derivative of the model by its input is part of the loss, but no gradient passes through.

    ## What it does
    Assay looks at calls of `torch.autograd.grad` that differentiate what the model's weights have
    computed by the model's input. If one is made without `create_graph=True`, what is computed from
    it is followed to the loss. Found is a derivative that is added there to something else that
    has a gradient: for the optimizer it is a constant.

    ## Why it matters
    A physics-informed loss, a gradient penalty, forces as the derivative of an energy: none of them
    moves a weight then. The loss is shown and printed as if that term counted, nothing fails, and
    only the other terms are learnt. Without another term `backward()` would have failed.

    ## Evidence
    Exact. `derivative_constant` is 1 at a step whose loss was computed from the constant derivative
    of that line.

    ## Known exceptions
    Silent: derivatives that make a new input (adversarial examples, Langevin steps, guidance),
    those by weights (first-order meta-learning), those of a model that is not trained, and those
    that weight another term or are printed only. Not looked at: what the user's
    function modes, or modes of torch, compute. A derivative by `backward()` and `x.grad` is not
    followed.

    ## Example
    `u_x = torch.autograd.grad(u.sum(), x, retain_graph=True)[0]` in the residual of a differential
    equation.

    ## What to try
    `torch.autograd.grad(u.sum(), x, create_graph=True)`.

    ## References
    Raissi, Perdikaris & Karniadakis: Physics-informed neural networks, J. Comput. Phys. 378, 2019;
    Gulrajani et al.: Improved training of Wasserstein GANs, 2017 (the penalty is differentiated
    twice). PyTorch documentation, `torch.autograd.grad` (`create_graph`).
    """

    name = "derivative-without-graph"
    family = "gradient"
    severity = "error"
    tier = "exact"
    by_hand = "the graph of a derivative is asked for where it is taken, in the script's own code"
    needs = ("derivative_constant",)
    reads = ("derivative_constant", "derivative")
    requires = (Samples(("derivative_constant",)),)
    limits = {
        "samples": Limit(2, "steps", "ours: one could be a first step of another kind"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            for place in training.places("derivative_constant"):
                series = training.series("derivative_constant", place)
                constant = [step for step, value in series if value > 0]
                if len(constant) < self.limit("samples"):
                    continue
                event = self._event(run, training, place)
                line = Site.read(event.data["at"]) if event else None
                added = Site.read(event.data["added"]) if event else None
                at = f" ({Path(added.file).name}:{added.line})" if added else ""
                yield self.found(
                    f"a derivative of the model by its input was made without create_graph, and "
                    f"added to the loss{at} as a constant, in {len(constant)} of {len(series)} "
                    "steps that were looked at",
                    "the optimizer can't change that term: only what else the loss is made of is "
                    "learnt",
                    try_=("torch.autograd.grad(..., create_graph=True)",),
                    where=Where(site=line or training.site),
                    steps=(constant[0], constant[-1]),
                    evidence=(Evidence("derivative_constant", 1.0, 0.0, "1 or 0", place),),
                    training=training,
                    began=(constant[0], constant[0]),
                )

    @staticmethod
    def _event(run: RunView, training: Training, place: str) -> Event[Derivative] | None:
        return next(
            (
                event
                for event in run.events(DERIVATIVE)
                if event.data["place"] == place
                and event.data["added"]
                and event.process == training.process
            ),
            None,
        )
