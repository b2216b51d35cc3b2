"""The check `samples-mixed`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...journal.events import SAMPLES_MIXED
from ...journal.view import Event, Module, RunView, Site
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where

AROUND = ("TransformerEncoder", "TransformerDecoder", "Transformer")
"""Modules of torch whose layers have the setting `batch_first`."""


class SamplesMixed(Check):
    """The model's answer for a sample depends on which samples stand before it in the batch.

    ## What it does
    Assay asks the model again, on a copy of its modules and in evaluation mode, with the samples
    of a batch in another order. Each sample must get the answer that it got before. If most don't,
    the forward pass is followed operation by operation to the first one whose result depends on the
    place of a sample: it takes the dimension of the batch for that of time, of words or of pixels.
    An attention between samples is blind to their order: where torch's was built for [time, batch],
    half of the samples are replaced, and the others must keep their answers.

    ## Why it matters
    What such a model learns of time it learns from samples that have nothing to do with each
    other, and the order within a sample stays invisible. An evaluation with batches of another size
    gives other answers.

    ## Evidence
    Probe. `sample_order_change`: the change of the median sample's answer over the spread of
    answers. Rounding alone changes some 1e-6.

    ## Known exceptions
    Silent: answers that change for few samples only (experts of limited capacity), models that draw
    random numbers in evaluation mode or keep a state, inputs of features alone ([time, features]
    may be one sequence: there only answers that do not change count), graphs whose nodes are the
    rows of one input, and normalisation by the whole batch, which no order changes.

    ## Example
    `nn.LSTM(8, 32)` on inputs of shape [batch, time, 8]: without `batch_first=True` it goes through
    the samples and takes them for time.

    ## What to try
    `batch_first=True`; a positional encoding of length `x.size(1)`; `permute` where `view` or
    `reshape` was to swap dimensions.

    ## References
    PyTorch documentation, `torch.nn.LSTM` and `torch.nn.MultiheadAttention` (`batch_first`).
    """

    name = "samples-mixed"
    family = "model"
    severity = "error"
    tier = "probe"
    by_hand = "which dimension is the batch is the model's to say"
    needs = ("sample_order_change",)
    reads = ("sample_order_change", "samples_mixed")
    leads_to = (Effect.NOT_LEARNING,)
    limits = {
        "change": Limit(0.02, "of the spread of answers", "ours: rounding is 1e-6, faults 0.05 on"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            series = training.series("sample_order_change").finite()
            change = series.last if len(series) else 0.0
            if change <= self.limit("change"):
                continue
            found = next(iter(run.events(SAMPLES_MIXED)), None)
            module = _batch_second(run, found) if found else None
            site = module.site if module and module.site else _line(found)
            company = found is not None and found.data.get("by") == "company"
            what = "the other samples" if company else "the order of the samples"
            yield self.found(
                f"answers depend on {what} in a batch{_where(found, module)}",
                "each sample is to be answered by itself: here one is taken for the past, or for "
                "a neighbour, of another",
                try_=(
                    "batch_first=True, if inputs have the shape [batch, time, features]",
                    "see which dimension the line takes for time: the batch is the first one",
                ),
                where=Where(module=module.name if module else None, site=site),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(
                    Evidence("sample_order_change", change, self.limit("change"), "of the spread"),
                ),
                training=training,
                began=(0, 0),
            )


def _batch_second(run: RunView, found: Event[Any]) -> Module | None:
    """Returns the module of torch that was built for [time, batch], if there is one at fault."""
    inside = found.data["inside"]
    built = [
        m
        for m in run.modules
        if m.settings.get("batch_first") is False and m.site and inside in (m.kind, *AROUND)
    ]
    return built[0] if len({m.site for m in built}) == 1 else None


def _line(found: Event[Any] | None) -> Site | None:
    return Site.read(found.data["line"]) if found is not None else None


def _where(found: Event[Any] | None, module: Module | None) -> str:
    if found is None:
        return ""
    if module is not None:
        return f": {module.kind} was built for inputs of shape [time, batch, features]"
    return f", from `{found.data['operation']}` on"
