"""The check `train-mode-in-evaluation`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ...journal.events import EVALUATION_PASS, EvaluationPass
from ...journal.view import Event, RunView, Site, Training
from ...signals.evaluations import is_judged, losses_without_gradients
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class TrainModeInEvaluation(Check):
    """Dropout, or the statistics of the batch, are at work where the script evaluates.

    ## What it does
    Looks at the first passes of each evaluation: the mode of every module that computes something
    else in training (dropout, batch norm, recurrent and attention layers with dropout), and each
    call of dropout by function. An evaluation is what the script computes without gradients and
    takes a loss of, or, in a script that never evaluates otherwise, all passes without gradients
    of the model that its loss is given. What counts is how the last evaluations were made.

    ## Why it matters
    The model is judged with parts of it missing, differently each time. Batch norm in training mode
    answers for a sample with the help of its neighbours, and takes the held-out data into its
    averages.

    ## Evidence
    Exact: the modes themselves, as a share of all that depends on them, and the user's line.

    ## Known exceptions
    Silent: Monte Carlo dropout (the same input again, in a loop or in several rows), modules that
    alone were put into training mode on purpose, `training=True` written out, target networks and
    pseudo-labels computed at every step, averages of batch norm measured anew before an evaluation.

    ## Example
    `with torch.no_grad(): correct += (net(x).argmax(1) == y).sum()` after training, and nobody has
    called `net.eval()`; `F.dropout(x, 0.5)` in `forward`, whose `training` is True by default.

    ## What to try
    `model.eval()` before each evaluation and `model.train()` after it; `F.dropout(x, p,
    training=self.training)`; dropout modules built in `__init__`.

    ## References
    PyTorch documentation, `torch.nn.Module.eval`, `torch.nn.functional.dropout`; Gal and
    Ghahramani: Dropout as a Bayesian Approximation, 2016, for dropout that is meant to be on.
    """

    name = "train-mode-in-evaluation"
    family = "model"
    severity = "warning"
    tier = "exact"
    by_hand = "the fault is in the evaluation; a trick acts on the training"
    needs = ("eval_training_share",)
    reads = (
        "eval_training_share", "eval_same_input", "evaluation_loss", "evaluation_pass",
        "loss_head", "model",
    )  # fmt: skip
    limits = {
        "last": Limit(1 / 3, "of the evaluations", "ours: earlier ones may have been put right"),
        "row": Limit(4, "evaluations", "ours: as many after single steps are part of training"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            places = training.places("eval_training_share")
            yield from filter(None, (self._review(run, training, place) for place in places))

    def _review(self, run: RunView, training: Training, place: str) -> Finding | None:
        series = training.series("eval_training_share", place)
        again = dict(training.series("eval_same_input", place))
        events = [e for e in run.events(EVALUATION_PASS) if e.data["module"] == place]
        measured = losses_without_gradients(training)
        wrong: list[tuple[int, float]] = []
        found: Event[EvaluationPass] | None = None
        for step, share in series:
            if share > 0 and not again.get(step):
                event = _of(events, step)
                if event is not None and self._is_wrong(run, series.values, event, step, measured):
                    wrong, found = [*wrong, (step, share)], event
        if found is None:
            return None
        last = series.steps[-max(int(self.limit("last") * len(series)), 1) :]
        steps = [step for step, _ in wrong]
        part = not measured and found.data["training"] and self._every_step(steps)
        if part or 2 * sum(step in last for step in steps) <= len(last):
            return None
        return self._finding(run, training, found.data, wrong, len(series))

    def _is_wrong(
        self,
        run: RunView,
        shares: Sequence[float],
        event: Event[EvaluationPass],
        step: int,
        measured: set[int],
    ) -> bool:
        data = event.data
        if not data["training"]:
            return bool(data["dropouts"])  # modules alone: on purpose
        return step in measured or (min(shares) > 0 and is_judged(run, data["prefix"]))

    def _every_step(self, steps: list[int]) -> bool:
        gaps = [b - a for a, b in pairwise(steps) if b > a]
        return len(gaps) >= self.limit("row") - 1 and median(gaps) <= 1

    def _finding(
        self,
        run: RunView,
        training: Training,
        data: EvaluationPass,
        wrong: list[tuple[int, float]],
        count: int,
    ) -> Finding:
        place, what, line = data["module"], _what(run, data), data["line"]
        said = f"{place} was evaluated in training mode: {what} worked as in training"
        do = "call model.eval() before the evaluation, and model.train() after it"
        if not data["training"]:
            line = data["dropouts"][0]
            said = f"{what} stayed on in evaluation mode"
            do = "pass training=self.training to it, or make it a module in __init__"
        return self.found(
            f"{said}, in {len(wrong)} of {count} evaluations that were looked at",
            "the model is judged otherwise than it will be used, and differently each time",
            try_=(do,),
            where=Where(site=Site.read(line), module=place),
            steps=(wrong[0][0], wrong[-1][0]),
            evidence=(Evidence("eval_training_share", wrong[-1][1], 0.0, "share", place),),
            training=training,
        )


def _of(events: list[Event[EvaluationPass]], step: int) -> Event[EvaluationPass] | None:
    """Returns how the model was called last that worked as in training, up to this step."""
    known = [e for e in events if e.step <= step and (e.data["active"] or e.data["dropouts"])]
    return known[-1] if known else None


def _what(run: RunView, data: EvaluationPass) -> str:
    """Returns the names of what worked as in training."""
    names = []
    for name in data["active"]:
        module = run.module(name)
        names.append(f"{module.kind} {name}" if module is not None else name)
    names += [f"the dropout in line {row[1]}" for row in data["dropouts"]]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
