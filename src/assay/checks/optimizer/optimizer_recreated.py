"""The check `optimizer-recreated`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from ...journal.events import LOAD_STATE
from ...journal.view import RunView, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Severity, Where

KEPT_APART = 256
"""As many optimizers of a process are told from each other."""


class OptimizerRecreated(Check):
    """The optimizer is built anew every few steps, so that its moments begin at zero each time.

    ## What it does
    Assay knows each optimizer that steps, the line that built it, its parameters and how many steps
    it took. It looks for one line that builds optimizers for the same parameters again and again.

    ## Why it matters
    Momentum and the moments of Adam are averages over many steps. Adam's first step goes at full
    rate along the sign of one gradient; with momentum the first steps are too short.

    ## Evidence
    Exact: the optimizers and their steps are counted. `memory` is over how many steps their moments
    average: three times `1 / (1 - beta)`, after which 95 % of it has been filled. A note where each
    optimizer lives longer than that, as one for each epoch, and always at one rate.

    ## Known exceptions
    Silent: optimizers without moments (plain SGD), L-BFGS, other parameters each time (folds, tasks
    on copies), weights that are loaded in between (meta-learning, federated learning), settings
    that differ, and few of them, as in training by phases.

    ## Example
    `optimizer = Adam(model.parameters())` inside the loop over batches.

    ## What to try
    Build it once, before the loop; change its rate with a scheduler, or in `param_groups`.

    ## References
    Kingma and Ba 2015, "Adam", section 3, on the bias of the first steps.
    """

    name = "optimizer-recreated"
    family = "optimizer"
    severity = "warning"
    tier = "exact"
    by_hand = "the line that builds it has to leave the loop"
    needs = ("learning_rate",)
    reads = ("learning_rate", "load_state", "loss")
    limits = {
        "optimizers": Limit(8, "optimizers", "ours: phases of a training are fewer"),
        "memory": Limit(3, "times 1 / (1 - beta)", "definition: 95 % of a moving average"),
        "jump": Limit(1.5, "times the loss before", "ours: another task begins, or other weights"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        lives: dict[object, list[Training]] = {}
        known = {parameter.name for parameter in run.parameters}
        for training in run.trainings:
            names = tuple(name for group in training.groups for name in group.parameters)
            if training.site is not None and names and known.issuperset(names):
                key = (
                    training.process,
                    training.site,
                    training.optimizer,
                    names,
                    _settings(training),
                )
                lives.setdefault(key, []).append(training)
        for trainings in lives.values():
            if len(trainings) >= self.limit("optimizers") and not _reset(run, trainings):
                yield from self._judge(trainings)

    def _judge(self, trainings: list[Training]) -> Iterator[Finding]:
        first, beta = trainings[0], _beta(trainings[0])
        if not 0 < beta < 1:
            return
        steps = median(training.steps for training in trainings[:-1])
        memory = self.limit("memory") / (1 - beta)
        severity: Severity = "warning" if steps < memory else "note"
        if severity == "note" and not self._goes_on(trainings):
            return
        least = "at least " if len(trainings) >= KEPT_APART else ""
        yield self.found(
            f"{least}{len(trainings)} optimizers ({first.optimizer}) were built for the same "
            f"parameters, each for {steps:.0f} step{'s' * (steps != 1)}; "
            f"their moments average over {memory:.0f}",
            "each begins without the moments of the last one",
            try_=("build the optimizer once, before the loop",),
            where=Where(site=first.site),
            steps=(0, 0),
            evidence=(Evidence("memory", steps, memory, "steps"),),
            severity=severity,
            process=first.process,
        )

    def _goes_on(self, trainings: list[Training]) -> bool:
        """Whether one training goes on: at one rate, and each loss from where the last one was."""
        rates = {r for t in trainings for r in t.series("learning_rate", "group 0").values}
        losses = [t.series("loss").finite() for t in trainings]
        if len(rates) != 1 or not all(map(len, losses)):
            return False
        jumps = (b.first > self.limit("jump") * a.last for a, b in pairwise(losses))
        return not any(jumps)


def _settings(training: Training) -> str:
    return repr([sorted(group.settings.items()) for group in training.groups])


def _beta(training: Training) -> float:
    """Returns the factor of the fastest moving average that an optimizer keeps; 0 for none."""
    settings = training.groups[0].settings
    if training.optimizer == "LBFGS":
        return 0.0
    betas = settings.get("betas")
    found = betas[0] if isinstance(betas, (list, tuple)) and betas else settings.get("momentum")
    found = found or settings.get("alpha") or settings.get("rho")
    return float(found) if isinstance(found, (int, float)) else 0.0


def _reset(run: RunView, trainings: list[Training]) -> bool:
    """Whether weights are loaded in between."""
    return any(
        event.data.get("kind") == "module"
        and event.process == trainings[0].process
        and event.iteration > trainings[0].began
        for event in run.events(LOAD_STATE)
    )
