"""The check `softmax-before-cross-entropy`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...journal.events import LOSS_CALL, LossCall
from ...journal.view import Event, RunView
from ...signals.objective import training_of
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where

LOGIT_LOSSES = {
    "cross_entropy": ("loss_input_on_simplex", "softmax"),
    "binary_cross_entropy_with_logits": ("loss_input_in_unit_interval", "sigmoid"),
}


class SoftmaxBeforeCrossEntropy(Check):
    """A loss that wants logits is given probabilities.

    ## What it does
    At each sampled call of `cross_entropy` assay looks whether every row of the input is
    non-negative and sums to 1; at each call of a logit loss it looks which operation made the
    input. Probabilities at every call are reported, as is a sigmoid's output.

    ## Why it matters
    These losses apply (log-)softmax or sigmoid themselves. Applied twice, the largest possible gap
    between two logits is 1, so the loss can't fall below log(1 + (C-1)/e) for C classes (1.46 for
    ten), gradients shrink, and training is slow and stops early.

    ## Evidence
    Exact. `loss_input_on_simplex` is 1 if all rows of that call's input are non-negative and sum to
    1; free logits don't do that once, let alone every time. A sigmoid is recognised as the
    operation that made the input in torch's own graph, not by the range of the values.

    ## Known exceptions
    `log_softmax` before `cross_entropy` is silent: doing it twice changes nothing. So are softmax
    outputs that are scaled or shifted afterwards, soft targets, label smoothing, and losses
    computed without gradients as a metric.

    ## Example
    `F.cross_entropy(torch.softmax(model(x), dim=1), y)`, or a model that ends in `nn.Softmax`.

    ## What to try
    Give the loss the raw outputs; apply softmax or sigmoid only where probabilities are read.

    ## References
    PyTorch documentation, `torch.nn.CrossEntropyLoss` and `torch.nn.BCEWithLogitsLoss`.
    """

    name = "softmax-before-cross-entropy"
    family = "loss"
    severity = "error"
    tier = "exact"
    needs = ("loss_call",)
    reads = ("loss_call", "loss_input_on_simplex", "loss_input_in_unit_interval", "loss_call_value")
    leads_to = (Effect.RATE_TOO_HIGH, Effect.RATE_TOO_LOW, Effect.NOT_LEARNING)
    limits = {
        "share": Limit(1.0, "of calls", "definition: a loss of logits never wants probabilities"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        calls: dict[str, list[Event[LossCall]]] = {}
        for event in run.events(LOSS_CALL):
            if event.data["fn"] in LOGIT_LOSSES and event.data.get("in_graph", True):
                calls.setdefault(event.data["place"], []).append(event)
        for place, events in calls.items():
            signal, squash = LOGIT_LOSSES[events[0].data["fn"]]
            samples = [
                (step, value)
                for training in run.trainings
                for step, value in training.series(signal, place)
            ]
            whole = bool(samples) and all(value >= self.limit("share") for _, value in samples)
            makers = {event.data.get("producer") or "" for event in events}
            if squash == "softmax" and whole:
                yield self._finding(run, events[0], "softmax", samples)
            elif makers == {"Sigmoid"} or (squash == "sigmoid" and makers == {"Softmax"}):
                yield self._finding(run, events[0], makers.pop().lower(), samples)

    def _finding(
        self,
        run: RunView,
        call: Event[LossCall],
        squash: str,
        samples: list[tuple[int, float]],
    ) -> Finding:
        fn, shape = call.data["fn"], call.data["input"]["shape"]
        steps = sorted(step for step, _ in samples) or [call.step]
        number = f"all {len(samples)} sampled calls" if len(samples) > 1 else "its one sampled call"
        if squash == "softmax" and fn == "cross_entropy":
            classes = shape[1] if len(shape) > 1 else 2
            floor = math.log(1 + (classes - 1) / math.e)
            said = f"at {number} each row of its input was non-negative and summed to 1"
            why = (
                "cross_entropy applies softmax itself; of probabilities it can't fall below "
                f"{floor:.2f} for {classes} classes, and gradients shrink"
            )
        else:
            said = f"at {number} its input was the output of a {squash}"
            why = f"{fn} squashes its input itself; squashed twice, no prediction can be confident"
        return self.found(
            f"{fn} was given probabilities: {said}",
            why,
            try_=(f"remove the {squash} before {fn}; keep it where probabilities are read",),
            where=Where(site=call.site),
            steps=(steps[0], steps[-1]),
            evidence=(Evidence(LOGIT_LOSSES[fn][0], 1.0, self.limit("share"), "of calls"),),
            tricks=(Remedy("logits"),),
            training=training_of(run, call),
            process=call.process,
        )
