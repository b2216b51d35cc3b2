"""The check `loss-at-start`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from math import prod

from ...journal.events import LOSS_CALL, LOSS_HEAD, LossCall
from ...journal.view import Event, RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where

OF_TWO = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


class LossAtStart(Check):
    """The first loss is far above that of a guess: the model begins sure of wrong answers.

    ## What it does
    A classifier that knows nothing and says so has a loss of ln C for C classes: 0.69 for two, 2.30
    for ten. Assay compares the first value of each loss of classes with that. A sum is divided by
    the number of targets first: a loss of 230 over a hundred samples is none too high.

    ## Why it matters
    Logits that are large by chance are answers given with certainty. The first steps do nothing but
    shrink them again, with gradients far larger than all that follow, which may throw the weights
    away; and how fast the loss falls at first says nothing.

    ## Evidence
    Heuristic. The first loss over ln C. Where the weights of the last layer are far larger than
    its number of inputs asks for, that layer is named.

    ## Known exceptions
    Silent: sums over many samples; regression; `nll_loss` of anything but a log-softmax; losses
    that begin below ln C, such as those of a model that is trained already; binary losses with
    weights. Not judged: losses by plain arithmetic, and calls that give back a number for each
    sample.

    ## Example
    `nn.init.normal_(model.head.weight, std=1.0)`; a model without normalisation whose inputs reach
    255; an output layer that shares the weights of an embedding with entries of size 1.

    ## What to try
    Give the last layer small weights (a standard deviation of 1 / sqrt(inputs) or less, or zero),
    normalise what goes into it, or scale the logits.

    ## References
    Karpathy: A recipe for training neural networks, 2019 ("verify loss @ init").
    """

    name = "loss-at-start"
    family = "loss"
    severity = "note"
    tier = "heuristic"
    status = "preview"
    by_hand = "a preview: its findings ask for nothing yet"
    needs = ("loss_call_value", "loss_call")
    reads = ("loss_call_value", "loss_call", "loss_head", "weight_norm")
    is_effect = (Effect.STARTS_HIGH,)
    limits = {
        "times": Limit(3.0, "of ln C", "measured over the right scripts in tests: at most 1.4"),
        "weights": Limit(
            3.0, "of 1 / sqrt(inputs)", "torch's own linear layers begin at 0.58, He's at 1.4"
        ),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for call in run.events(LOSS_CALL):
            guess = _of_a_guess(call)
            if guess is None or not call.data.get("in_graph", True) or call.step > 0:
                continue
            for training in run.trainings:
                values = training.series("loss_call_value", call.data["place"])
                if not len(values) or values.steps[0] > 0 or not math.isfinite(values.first):
                    continue
                times = values.first / guess
                if times >= self.limit("times"):
                    yield self._finding(run, call, training, values.first, guess)
                    break

    def _finding(
        self, run: RunView, call: Event[LossCall], training: Training, first: float, guess: float
    ) -> Finding:
        head, words = self._head(run, call, training)
        summed = " (a sum over its targets)" if call.data.get("reduction") == "sum" else ""
        return self.found(
            f"{call.data['fn']} began at {first:.4g}{summed}, {first / guess:.1f} times the "
            f"{guess:.3g} of a guess{words}",
            "the model begins sure of wrong answers, and its first steps only unlearn them",
            try_=(
                "give the last layer small weights, normalise what goes into it, or scale the "
                "logits down",
            ),
            where=head or Where(site=call.site),
            steps=(0, 0),
            evidence=(Evidence("loss_call_value", first / guess, self.limit("times"), "of ln C"),),
            training=training,
            began=(0, 0),
        )

    def _head(
        self, run: RunView, call: Event[LossCall], training: Training
    ) -> tuple[Where | None, str]:
        """Returns the layer that made the logits, if its weights are unusually large."""
        for event in run.events(LOSS_HEAD):
            name = event.data["parameter"]
            parameter = next((p for p in run.parameters if p.name == name), None)
            norms = training.series("weight_norm", name)
            if event.data["place"] != call.data["place"] or parameter is None or not len(norms):
                continue
            inputs = max(prod(parameter.shape[1:]), 1)
            size = norms.first / math.sqrt(max(prod(parameter.shape), 1)) * math.sqrt(inputs)
            if size >= self.limit("weights"):
                built = run.module(name.rpartition(".")[0])
                site: Site | None = built.site if built is not None else None
                where = Where(site=site or call.site, parameter=name)
                return where, f"; {name} has weights of {size:.2g} / sqrt(inputs)"
        return None, ""


def _of_a_guess(call: Event[LossCall]) -> float | None:
    """Returns the loss of saying of all classes that they are equally likely; None if unknown."""
    fn, shape = call.data["fn"], call.data["input"]["shape"]
    target, reduction = call.data["target"], call.data.get("reduction", "mean")
    if fn in OF_TWO and not call.data.get("weighted"):
        guess = math.log(2)
    elif (
        len(shape) > 1
        and shape[1] > 1
        and (
            fn == "cross_entropy"
            or (fn == "nll_loss" and call.data.get("producer") == "LogSoftmax")
        )
    ):
        guess = math.log(shape[1])
    else:
        return None
    if reduction == "sum" and target:
        return guess * prod(target["shape"]) / (shape[1] if "float" in target["dtype"]
                                                and fn not in OF_TWO else 1)  # fmt: skip
    return guess if reduction == "mean" else None
