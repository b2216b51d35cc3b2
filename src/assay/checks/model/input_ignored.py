"""The check `input-ignored`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import INPUT_UNUSED
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class InputIgnored(Check):
    """The answer does not depend on what the model is given, or not on one of several inputs.

    ## What it does
    Assay records the operations of a step, from the first call of a model to the loss, and follows
    each input of the model through them. If none leads to its answer, in every step that was looked
    at, no number in that input can have had an influence.

    ## Why it matters
    A model that does not see its input learns the mean of the targets. One that does not see one of
    several inputs trains well enough to look right, and without what that input was to bring.

    ## Evidence
    Exact. `input_used` is 0: there is no chain of operations. What Python reads from an input
    (`if`, `.item()`, `.tolist()`) counts as use. An error where it is the first input of the model,
    or none is used; else a warning.

    ## Known exceptions
    Silent: an input whose rows are all alike (a mask of ones), one that `forward` takes by `*args`
    or `**kwargs`, one inside a list or a dict, an input that some steps use and others do not, and
    one that is multiplied by zero for now (a gate that opens later).

    ## Example
    `def forward(self, image, age): return self.head(self.encoder(image))`.

    ## What to try
    Use the argument, or take it out of the signature.

    ## References
    None: with no operation between input and answer the gradient with respect to the input is zero
    by definition.
    """

    name = "input-ignored"
    family = "model"
    severity = "error"
    tier = "exact"
    by_hand = "what the input was to do is the model's to say"
    needs = ("input_used",)
    reads = ("input_used", "input_unused")
    limits = {
        "steps": Limit(2, "recorded steps", "ours: a branch that is drawn is not taken each time"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each input that no recorded step has used."""
        for training in run.trainings:
            places = training.places("input_used")
            ignored = [place for place in places if self._is_ignored(training, place)]
            for place in ignored:
                first = len(ignored) == len(places) or place == places[0]
                steps = training.series("input_used", place).steps
                yield self.found(
                    f"`{place}` was given to the model, and no operation leads from it to the "
                    "answer",
                    "whatever it holds, the answers are the same: the model can't learn from it",
                    try_=(
                        f"use `{place}` in forward: what is made of it is dropped, or another "
                        "variable stands in its place",
                        "take it out of the signature, if it is not needed",
                    ),
                    where=Where(site=_line(run, place)),
                    steps=(steps[0], steps[-1]),
                    evidence=(Evidence("input_used", 0.0, 1.0, ""),),
                    severity="error" if first else "warning",
                    training=training,
                    began=(0, 0),
                )

    def _is_ignored(self, training: Training, place: str) -> bool:
        values = training.series("input_used", place).values
        return len(values) >= self.limit("steps") and not any(values)


def _line(run: RunView, place: str) -> Site | None:
    found = (event for event in run.events(INPUT_UNUSED) if event.data["place"] == place)
    return next((Site.read(event.data["line"]) for event in found), None)
