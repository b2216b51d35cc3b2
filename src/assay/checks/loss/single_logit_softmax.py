"""The check `single-logit-softmax`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import LOSS_CALL
from ...journal.view import RunView
from ...signals.domains import class_dimension, made_at
from ...signals.domains import given as given_to
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where

WITH_SOFTMAX = ("softmax", "log_softmax")
GIVEN_SOFTMAX = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss",
                 "smooth_l1_loss", "huber_loss", "nll_loss", "kl_div", "cross_entropy",
                 "soft_margin_loss")  # fmt: skip


class SingleLogitSoftmax(Check):
    """A softmax is taken over a single number, and is 1 whatever that number is.

    ## What it does
    At each sampled call of a loss assay looks in torch's own graph whether a softmax made its
    input, and over how many numbers; of `cross_entropy`, which takes a softmax itself, how many
    classes its input has. One at every call is reported.

    ## Why it matters
    The softmax of one number is always 1, and its gradient is 0. The loss is a constant: no weight
    before the softmax ever gets a gradient.

    ## Evidence
    Exact. The size of the dimension over which the softmax is taken: 1.

    ## Known exceptions
    Silent: softmax over one candidate now and then, such as a list or a sequence of one, where
    other calls have more; softmax inside the network (attention over one key).

    ## Example
    `nn.Sequential(nn.Linear(16, 1), nn.Softmax(dim=1))` with a binary loss; `nn.CrossEntropyLoss()`
    on a network with one output.

    ## What to try
    For two classes: one output with `binary_cross_entropy_with_logits` and no softmax, or two
    outputs with `cross_entropy`.

    ## References
    PyTorch documentation, `torch.nn.Softmax`, `torch.nn.BCEWithLogitsLoss`.
    """

    name = "single-logit-softmax"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "one output or two is another model"
    needs = ("loss_call",)
    reads = ("loss_call", "loss_given")
    leads_to = (Effect.NOT_LEARNING,)
    limits = {"numbers": Limit(1, "numbers", "definition: the softmax of one number is 1")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for place, events in given_to(run, *GIVEN_SOFTMAX).items():
            first, fn = events[0], events[0].data["fn"]
            made = {(event.data["made_by"], event.data["size"]) for event in events}
            if {size for kind, size in made if kind in WITH_SOFTMAX} == {1} and len(made) == 1:
                shape = first.data["shape"]
                said = f"the softmax that made the input of {fn} was taken over 1 number"
                site = made_at(run, first) or first.site
                more = f" (dimension {first.data['over']}; the input has the shape {shape})"
            elif fn == "cross_entropy" and self._classes(run, place) == {1}:
                said = "cross_entropy took its softmax over 1 class"
                site = first.site
                more = f": its input had the shape {first.data['shape']}"
            else:
                continue
            yield self.found(
                said + more,
                "it is 1 whatever the number is and its gradient is 0: nothing before it is learnt",
                try_=(
                    "for two classes: one output with binary_cross_entropy_with_logits and no "
                    "softmax, or two outputs with cross_entropy",
                ),
                where=Where(site=site),
                steps=(first.step, first.step),
                evidence=(Evidence("loss_given", 1, self.limit("numbers"), "numbers"),),
                process=first.process,
            )

    def _classes(self, run: RunView, place: str) -> set[int]:
        """Returns the numbers of classes that the calls of cross_entropy at this place had."""
        shapes = [
            e.data["input"]["shape"] for e in run.events(LOSS_CALL) if e.data["place"] == place
        ]
        return {shape[class_dimension("cross_entropy", len(shape))] for shape in shapes if shape}
