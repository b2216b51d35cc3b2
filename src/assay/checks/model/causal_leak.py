"""The check `causal-leak`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...journal.events import CAUSAL_LEAK
from ...journal.view import Event, Module, RunView, Site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

RECURRENT = ("LSTM", "GRU", "RNN")


class CausalLeak(Check):
    """A model that is trained to predict the next token sees it: later tokens change the answer.

    ## What it does
    Where the targets of a loss are the model's own input moved by one position, assay computes the
    step again with other tokens in the second half of each sequence. The answers in the first half
    must stay what they were. If they don't, the step is followed operation by operation to the
    first one whose result in the first half depends on the second.

    ## Why it matters
    The target of each position is the token after it. A model that sees it learns to copy: its
    loss falls to almost nothing, on held-out text too, and it writes nonsense when it has to go on
    by itself.

    ## Evidence
    Probe. `later_token_change`: the change of the median sequence's answer, at the position where
    it is largest, over the spread of answers. Dropout and batch norm are as in evaluation, and
    nothing else is changed: of a model that looks back only it is 0.

    ## Known exceptions
    Silent: targets that do not count (the prefix of a prefix-LM, the prompt of an instruction), a
    loss that asks for the token at the same place (masked language models), an encoder that is
    given the whole of what its decoder predicts, routing in which later tokens push out earlier
    ones now and then.

    ## Example
    `nn.TransformerEncoder` on a text, without `mask=`, and a loss against the text moved by one.

    ## What to try
    `is_causal=True` in `scaled_dot_product_attention`; for layers of torch a mask of
    `nn.Transformer.generate_square_subsequent_mask(length)`; padding on the left only before a
    convolution; recurrent layers without `bidirectional=True`.

    ## References
    Vaswani et al., Attention Is All You Need, 2017, section 3.1: "masking ... ensures that the
    predictions for position i can depend only on the known outputs at positions less than i".
    """

    name = "causal-leak"
    family = "model"
    severity = "error"
    tier = "probe"
    by_hand = "the mask belongs into the model's own code"
    needs = ("later_token_change",)
    reads = ("later_token_change", "causal_leak")
    limits = {
        "change": Limit(0.01, "of the spread of answers", "ours: exact models 0, faults 0.05 on"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        """Yields a finding for each training whose last measurement is above the limit."""
        for training in run.trainings:
            series = training.series("later_token_change").finite()
            change = series.last if len(series) else 0.0
            if change <= self.limit("change"):
                continue
            found = next(iter(run.events(CAUSAL_LEAK)), None)
            module = _both_ways(run)
            site = module.site if module else Site.read(found.data["line"]) if found else None
            yield self.found(
                "answers depend on tokens after them, and the next one is what the loss asks for"
                + _where(found, module),
                "the model learns to copy what it is to predict: its loss says nothing of how well "
                "it goes on by itself",
                try_=(
                    "a causal mask: position i sees positions up to i (is_causal=True, or mask=)",
                    "convolutions padded on the left only; no bidirectional recurrent layer",
                ),
                where=Where(module=module.name if module else None, site=site),
                steps=(series.steps[0], series.steps[-1]),
                evidence=(
                    Evidence("later_token_change", change, self.limit("change"), "of the spread"),
                ),
                training=training,
                began=(0, 0),
            )


def _both_ways(run: RunView) -> Module | None:
    """Returns the recurrent layer that reads sequences from both ends, if there is one line."""
    built = [
        m
        for m in run.modules
        if m.kind in RECURRENT and m.settings.get("bidirectional") is True and m.site
    ]
    return built[0] if len({m.site for m in built}) == 1 else None


def _where(found: Event[Any] | None, module: Module | None) -> str:
    if module is not None:
        return f": {module.kind} is bidirectional"
    return f", from `{found.data['operation']}` on" if found is not None else ""
