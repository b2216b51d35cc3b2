"""The check `half-without-scaler`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import AUTOCAST, LOSS_CALL, SCALER
from ...journal.view import RunView
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where


class HalfWithoutScaler(Check):
    """A model is trained in float16 without a GradScaler, so that small gradients become 0.

    ## What it does
    Looks for a loss of float16 predictions that backward passes go through, in a run in which no
    GradScaler ever scaled a loss.

    ## Why it matters
    Gradients of activations are float16 as well. What is smaller than 6e-8 is rounded to 0, and
    what is smaller than 6e-5 loses digits; deep layers may then learn nothing, without any error.

    ## Evidence
    Exact in what it states, but a note: whether the lost gradients matter depends on their sizes.

    ## Known exceptions
    bfloat16 has the range of float32 and needs no scaler: silent. A loss scale by hand, or by a
    library with its own scaler, is not seen: ignore the check there. Silent where float16 is used
    for evaluation only, and where the loss is none of torch.nn.

    ## Example
    `with torch.autocast("cuda", dtype=torch.float16): loss = ...` and a plain `loss.backward()`.

    ## What to try
    `scaler = torch.amp.GradScaler()`, `scaler.scale(loss).backward()`, `scaler.step(optimizer)`,
    `scaler.update()`; or `dtype=torch.bfloat16`.

    ## References
    Micikevicius et al.: Mixed Precision Training, 2018, section 3.2; IEEE 754-2008 (binary16).
    """

    name = "half-without-scaler"
    family = "precision"
    severity = "note"
    tier = "exact"
    needs = ("loss_call",)
    reads = ("loss_call", "scaler", "autocast")
    limits = {
        "smallest": Limit(2.0**-24, "", "IEEE 754-2008: the smallest number of binary16 above 0"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        if any(True for _ in run.events(SCALER)):
            return
        calls = (
            call
            for call in run.events(LOSS_CALL)
            if call.data.get("in_graph", True) and call.data["input"]["dtype"] == "float16"
        )
        call = next(calls, None)
        if call is None or not run.trainings:
            return
        regions = (
            event.site
            for event in run.events(AUTOCAST)
            if event.data["dtype"] == "float16" and event.data["enabled"]
        )
        smallest = self.limit("smallest")
        yield self.found(
            f"{call.data['fn']} was computed of float16 predictions, and no GradScaler was used: "
            f"gradients below {smallest:.0e} are lost",
            "what a float16 can't hold is rounded to 0, and layers stop learning without an error",
            try_=("scale the loss by a torch.amp.GradScaler, or use bfloat16",),
            where=Where(site=next(regions, call.site)),
            steps=(call.step, max(training.steps for training in run.trainings) - 1),
            evidence=(Evidence("loss_scale", 1.0, None, ""),),
            tricks=(Remedy("amp", "fp16"),),
        )
