"""The check `softmax-over-wrong-dimension`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.view import RunView
from ...signals.domains import (
    Given,
    always,
    calls,
    class_dimension,
    dimensions,
    first_training,
    given,
    has_dimension,
    made_at,
    samples,
)
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

OF_CLASSES = ("cross_entropy", "nll_loss", "ctc_loss")
COMPARED = ("kl_div", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy")
INPUTS = ("probability_dims", "log_probability_dims")


class SoftmaxOverWrongDimension(Check):
    """A softmax runs over the batch or over time, where the loss looks for classes.

    ## What it does
    At each sampled call of `cross_entropy`, `nll_loss` or `ctc_loss`, and of `Categorical(probs)`,
    assay looks over which dimensions the input (or its exponentials) sums to 1: it is reported if
    that is another one than that of classes at every call. Of a softmax that is compared with
    numbers (`kl_div`, `mse_loss`, `binary_cross_entropy`, ...) it is reported if the targets sum to
    1 over another dimension at every call.

    ## Why it matters
    Samples (or time steps) compete with each other instead of classes: the answer to one depends on
    which others are in its batch, and no row is a distribution.

    ## Evidence
    Exact. `probability_dims` or `log_probability_dims`: sums of 1 over the whole of the other
    dimension and not over classes, in every sample. Free numbers do not do that once.

    ## Known exceptions
    Silent: sums over both dimensions, as Sinkhorn normalisation or a dual softmax have them;
    softmax inside the network (attention over time, routing over a batch); softmax over the same
    dimension on both sides of a comparison, as in distillation by relations; batches of one.

    ## Example
    `nn.LogSoftmax(dim=0)` at the end of a classifier; `nn.Softmax()` without `dim`, which on `[N,
    T, C]` means dimension 0.

    ## What to try
    `dim=-1`, or `dim=1` where classes stand second, as `cross_entropy` has them in `[N, C, T]`.

    ## References
    PyTorch documentation, `torch.nn.Softmax`, `torch.nn.NLLLoss`.
    """

    name = "softmax-over-wrong-dimension"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "which dimension the classes stand in is the model's to say"
    needs = ("loss_given",)
    reads = ("loss_given", *INPUTS, "target_probability_dims")
    limits = {
        "share": Limit(1.0, "of calls", "definition: a distribution over classes sums to 1 there"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for place, events in given(run, *OF_CLASSES).items():
            fn, shape = events[0].data["fn"], events[0].data["shape"]
            yield from self._judge(run, place, events[0], {class_dimension(fn, len(shape))})
        for place, events in given(run, "Categorical", argument="probs").items():
            yield from self._judge(run, place, events[0], {len(events[0].data["shape"]) - 1})
        for place, events in given(run, *COMPARED).items():
            targets = samples(run, "target_probability_dims", place)
            dims = {tuple(dimensions(value)) for _, value in targets}
            if len(dims) == 1 and (right := set(next(iter(dims)))):
                yield from self._judge(run, place, events[0], right)

    def _judge(self, run: RunView, place: str, event: Given, right: set[int]) -> Iterator[Finding]:
        """Looks for sums of 1 at every call, none of which is over one of these dimensions."""
        for signal in INPUTS:
            found = always(
                run, signal, place,
                lambda v: bool(dimensions(v)) and not any(has_dimension(v, d) for d in right),
            )  # fmt: skip
            over = (
                sorted(set.intersection(*(set(dimensions(v)) for _, v in found))) if found else []
            )
            if not over:
                continue
            fn, shape, wanted = event.data["fn"], event.data["shape"], min(right)
            what = "its input" if signal == INPUTS[0] else "the exponentials of its input"
            yield self.found(
                f"{fn} was given a softmax over a wrong dimension: at {calls(len(found))} {what} "
                f"summed to 1 over dimension {over[0]} of {shape}, not over {wanted}",
                "samples compete instead of classes: the answer to one depends on the others of "
                "its batch, and none is a distribution",
                try_=(
                    f"take the softmax over the classes, dimension {wanted} of the loss's input",
                ),
                where=Where(site=made_at(run, event) or event.site),
                steps=(found[0][0], found[-1][0]),
                evidence=(Evidence(signal, 1.0, self.limit("share"), "of calls"),),
                training=first_training(run, place, INPUTS),
                process=event.process,
            )
            return
