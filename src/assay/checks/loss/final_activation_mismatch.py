"""The check `final-activation-mismatch`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from ...journal.events import LOSS_ACTIVATION, LOSS_CALL, LossActivation
from ...journal.view import Event, RunView, Site
from ...signals.lines import activation_site
from ...signals.objective import training_of
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where

GIVES = {
    "Relu": "nothing below 0",
    "Softplus": "nothing below 0",
    "Exp": "nothing below 0",
    "Sigmoid": "only numbers from 0 to 1",
    "Hardsigmoid": "only numbers from 0 to 1",
    "Softmax": "only numbers from 0 to 1",
    "Tanh": "only numbers from -1 to 1",
}
LOGITS = ("cross_entropy", "binary_cross_entropy_with_logits")
SQUASHED = ("nll_loss", "binary_cross_entropy")
CUT = ("Relu", "Tanh", "Softplus", "Exp", "Hardsigmoid")


class FinalActivationMismatch(Check):
    """The model ends in an activation whose range does not fit the loss or the targets.

    ## What it does
    Assay looks in torch's graph which operation made the input of a loss. It reports an activation
    right before a regression loss if many of the targets lie outside of what that can give, and a
    ReLU, tanh or softplus on logits.

    ## Why it matters
    Targets out of reach can't be fitted, however long one trains: a ReLU never predicts a negative
    number, and a unit at its bound gets no gradient. Logits that can't be negative say at most
    "don't know" of a class and never "no"; those of a tanh differ by 2 at most.

    ## Evidence
    Exact: the operation, and for regression the mean share of the targets out of its range.

    ## Known exceptions
    Silent: a ReLU or softplus before counts, a sigmoid before images from 0 to 1, a tanh before
    actions in -1 to 1; activations after which something else is computed (a pooling, a scale);
    softmax and sigmoid before a loss that applies them itself (that is
    `softmax-before-cross-entropy`); losses by plain arithmetic, whose targets are not known.

    ## Example
    `nn.Sequential(..., nn.Linear(64, 1), nn.ReLU())` for temperatures in degrees Celsius.

    ## What to try
    End the model with a linear layer, or scale the targets into the activation's range.

    ## References
    Goodfellow, Bengio, Courville: Deep Learning, 2016, section 6.2.2 (output units). Nikanjam et
    al.: Automatic Fault Detection for Deep Learning Programs (NeuraLint), TOSEM 2021.
    """

    name = "final-activation-mismatch"
    family = "loss"
    severity = "error"
    tier = "exact"
    by_hand = "whether the activation or the range of the targets was meant can't be known"
    needs = ("loss_call",)
    reads = ("loss_activation", "target_unreachable_share", "loss_call", "loss_call_value",
             "activation_kind")  # fmt: skip
    limits = {
        "share": Limit(0.05, "of the targets", "ours: a few may be outliers"),
        "most": Limit(0.25, "of the targets", "ours: beyond, it is no loss of a few"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        calls = {event.data["place"]: event for event in run.events(LOSS_CALL)}
        for event in run.events(LOSS_ACTIVATION):
            call = calls.get(event.data["place"])
            fn, activation = event.data["fn"], event.data["activation"]
            shares = [
                value
                for training in run.trainings
                for value in training.series("target_unreachable_share", event.data["place"]).values
            ]
            if fn in LOGITS or fn in SQUASHED:
                if activation in CUT or (fn in SQUASHED and activation in GIVES):
                    yield self._of_logits(run, event)
            elif call is not None and shares and fmean(shares) >= self.limit("share"):
                yield self._finding(
                    run,
                    event,
                    f"{fmean(shares):.0%} of the targets of {fn} can't be predicted: the model "
                    f"ends in {activation.lower()}, which gives {GIVES[activation]}",
                    "targets out of reach are never fitted, and units at their bound get no "
                    "gradient",
                    Evidence(
                        "target_unreachable_share",
                        fmean(shares),
                        self.limit("share"),
                        "of the targets",
                        event.data["place"],
                    ),
                    grave=fmean(shares) >= self.limit("most"),
                )

    def _of_logits(self, run: RunView, event: Event[LossActivation]) -> Finding:
        activation = event.data["activation"].lower()
        return self._finding(
            run,
            event,
            f"the logits of {event.data['fn']} were the output of {activation}, which gives "
            f"{GIVES[event.data['activation']]}",
            "logits say of each class how much speaks for or against it, and need both signs and "
            "any size",
            Evidence("loss_activation", 1, None, "calls", event.data["place"]),
            grave=False,
        )

    def _finding(
        self,
        run: RunView,
        event: Event[LossActivation],
        summary: str,
        why: str,
        evidence: Evidence,
        *,
        grave: bool,
    ) -> Finding:
        module = event.data["module"]
        built = activation_site(run, module) if module is not None else None
        call = next(
            (c for c in run.events(LOSS_CALL) if c.data["place"] == event.data["place"]), None
        )
        return self.found(
            summary,
            why,
            try_=(f"end the model without {event.data['activation'].lower()}, in a linear layer",),
            where=Where(site=built or Site.read(event.data["line"]) or event.site, module=module),
            steps=(event.step, event.step),
            evidence=(evidence,),
            severity="error" if grave else "warning",
            training=training_of(run, call) if call is not None else None,
            process=event.process,
        )
