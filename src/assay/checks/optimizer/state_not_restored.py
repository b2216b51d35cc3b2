"""The check `state-not-restored`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import NOT_RESTORED
from ...journal.view import RunView, Site
from ..base import Check
from ..finding import Evidence, Finding, Where


class StateNotRestored(Check):
    """Weights are resumed from a file that holds an optimizer's state too, which is not loaded.

    ## What it does
    Looks into what `torch.load` returns for the state of an optimizer with moments. If a module
    gets its weights from there, and an optimizer with the same groups, settings and rate takes its
    first step on them without ever having loaded a state, that is reported.

    ## Why it matters
    Adam without its moments takes steps of full size in every direction, and SGD loses its
    momentum: the loss leaps up at each resumption. A count of steps that begins anew repeats the
    bias correction, and warm-ups that depend on it.

    ## Evidence
    Exact in what it states, but a warning: that a new run was meant is not to be seen.

    ## Known exceptions
    Silent: another rate, other settings or other groups of parameters, as in fine-tuning; keys that
    were missing or unexpected, as with a new head; files without moments; optimizers that have
    stepped before, as in going back to the best weights; weights that are only evaluated.

    ## Example
    `model.load_state_dict(checkpoint["model"])`, and `checkpoint["optimizer"]` is never used.

    ## What to try
    `optimizer.load_state_dict(checkpoint["optimizer"])` before the first step; the scheduler and
    the GradScaler have states, too.

    ## References
    PyTorch tutorials, "Saving and loading a general checkpoint".
    """

    name = "state-not-restored"
    family = "optimizer"
    severity = "warning"
    tier = "exact"
    by_hand = "only the script knows its checkpoint"
    needs = ("loss",)
    reads = ("loss", "not_restored")

    def review(self, run: RunView) -> Iterator[Finding]:
        for event in run.events(NOT_RESTORED):
            training = next((t for t in run.trainings if t.index == event.training), None)
            if training is None or not training.steps:
                continue
            count = event.data["moments"]
            yield self.found(
                f"{event.data['owner']} got its weights from a file with the moments of {count} "
                f"parameters, and {training}, which has the same settings, took its first step "
                "without them",
                "it begins anew: its first steps are larger than they would have been",
                try_=('optimizer.load_state_dict(checkpoint["optimizer"]) before the first step',),
                where=Where(site=Site.read(event.data["line"]) or training.site),
                steps=(0, 0),
                evidence=(Evidence("not_restored", count, None, "parameters"),),
                training=training,
            )
