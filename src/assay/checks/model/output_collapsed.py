"""The check `output-collapsed`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...journal.events import ANSWERS_ALIKE
from ...journal.view import Event, Module, RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Steps, That


def _was_measured(check: Check, run: RunView, training: Training) -> str | None:
    """Says that its answers were not asked for after the opening window."""
    late = [step for step in training.series("answer_spread").steps if step >= check.limit("late")]
    return None if late else "its answers were not compared after the first steps"


class OutputCollapsed(Check):
    """After training for a while, the model gives every sample the same answer.

    ## What it does
    The answers of one batch, as the loss gets them, are compared with each other.

    ## Why it matters
    A model that answers the same to everything knows at best how often each target occurs. What
    went through the layers before was lost on the way, and no gradient comes back through such a
    place.

    ## Evidence
    Probe. `answer_spread`: the spread of log probabilities, or of logits, over the samples of a
    batch, in nats; of numbers it is their spread over that of the targets, or over their own size
    where a model makes the targets. Every measurement after the first 64 steps is below the limit.

    ## Known exceptions
    Silent: batches whose samples are all alike, losses that are written by hand, the first steps (a
    head that begins at zero), answers that do depend on the input, a little, and a model that uses
    none of its inputs (`input-ignored` says that).

    ## Example
    `nn.LayerNorm(1)` behind a last layer of one unit: a number minus its own mean is 0. Or two
    views of a sample are pulled together by `mse_loss(p, z)`, and nothing keeps them apart from
    those of others: the gradient was to be stopped at `z`.

    ## What to try
    Where another finding stands above this one, mend that. Else look for the layer from which on
    all samples are alike: units that are dead or saturated, normalisation over a dimension of size
    1, a softmax over a single number.

    ## References
    Chen and He, Exploring Simple Siamese Representation Learning, 2021, section 4.1: the spread of
    outputs as the sign of collapse.
    """

    name = "output-collapsed"
    family = "model"
    severity = "warning"
    tier = "probe"
    needs = ("answer_spread",)
    reads = ("answer_spread", "answers_alike", "input_used")
    requires = (Steps(), That(_was_measured))
    is_effect = (Effect.COLLAPSED, Effect.NOT_LEARNING)
    leads_to = (Effect.NOT_LEARNING,)
    limits = {
        "steps": Limit(100, "steps", "ours: a head that begins at zero has moved by then"),
        "late": Limit(64, "steps", "ours: twice the opening window"),
        "spread": Limit(1e-3, "nats", "ours: right scripts of this project have 0.05 and more"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each training whose late answers are all alike."""
        for training in self.judgeable(run):
            late = [
                (step, value)
                for step, value in training.series("answer_spread").finite()
                if step >= self.limit("late")
            ]
            if not late or max(value for _, value in late) > self.limit("spread"):
                continue
            used = [training.series("input_used", place).values for place in _places(training)]
            if used and not any(map(any, used)):
                continue  # not one input is used: said by another check
            spread = late[-1][1]
            found = next(iter(run.events(ANSWERS_ALIKE)), None)
            norm = _norm_of_one(run, found)
            line = Site.read(found.data["line"]) if found is not None else None
            yield self.found(
                f"the answers to all samples of a batch were the same, within {spread:.1g}"
                + _where(found, norm),
                "such a model has learnt how often each target occurs, and nothing of the inputs",
                try_=(
                    "look for the layer from which on all samples are alike (dead or saturated "
                    "units, normalisation over one number)",
                    "where two views of a sample are compared, stop the gradient at one of them",
                ),
                where=Where(module=norm.name, site=norm.site) if norm else Where(site=line),
                steps=(late[0][0], late[-1][0]),
                evidence=(Evidence("answer_spread", spread, self.limit("spread"), ""),),
                tricks=(Remedy("init", "he"), Remedy("lr", "x0.1")),
                training=training,
                began=(0, late[-1][0]),
            )


def _places(training: Training) -> tuple[str, ...]:
    return training.places("input_used")


def _norm_of_one(run: RunView, found: Event[Any] | None) -> Module | None:
    """Returns the norm over a single number, where samples become alike in a norm."""
    if found is None or "layer_norm" not in found.data["operation"]:
        return None
    norms = [m for m in run.modules if m.kind == "LayerNorm"]
    shapes = {p.module: p.shape for p in run.parameters}
    return next((m for m in norms if shapes.get(m.name) == (1,)), None)


def _where(found: Event[Any] | None, norm: Module | None) -> str:
    if norm is not None:
        return f": {norm.name} normalises a single number, which leaves 0"
    return f", from `{found.data['operation']}` on" if found is not None else ""
