"""The check `eval-preprocessed-differently`."""

from __future__ import annotations

from collections.abc import Iterator
from math import dist, isfinite, prod

from ...journal.events import EVAL_CONTENTS, EVAL_TOKENS, INPUT_CONTENTS, EvalContents
from ...journal.view import Event, RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import That, too_few
from ._other_ids import ID_LIMITS, other_ids

_MEASURED = "measured in benchmarks/calibration/evaluation_inputs.py"


def _too_few_rows(check: Check, run: RunView, training: Training) -> str | None:
    """Says that too few rows of one shape were seen in training or in evaluations."""
    numbers = [event.data for event in _last(run) if event.data["outside_share"] is not None]
    tokens = [event.data for event in run.events(EVAL_TOKENS)]
    rows = [min(data["rows"], data["training_rows"]) for data in (*numbers, *tokens)]
    if not rows:
        return "inputs are neither numbers of one shape nor token ids, in training and evaluations"
    return too_few(max(rows), check.limit("rows"), "rows of training and of evaluations")


class EvalPreprocessedDifferently(Check):
    """Evaluations give the model inputs on another scale, in another order, or of other ids.

    ## What it does
    Assay takes the mean and the deviation of each row that the model is given, in training (on
    sampled steps) and in evaluations (the first two batches of some), and counts the rows of
    evaluations for which no training row had such a mean, or such a deviation. Then it compares
    scale and sign of all numbers together, and the means of the channels. Of token ids it counts
    how often each occurs, and which one fills rows up.

    ## Why it matters
    The model is asked about data it has never learnt from. Its held-out loss and accuracy look like
    over-fitting, and the best checkpoint, early stopping and the scheduler follow wrong numbers.

    ## Evidence
    Heuristic, calibrated. Nearly all rows lie outside, and the deviation is a quarter, four times
    or more, or differs by a factor of 1.6 while one side has negative numbers and the other none
    (2.5 where the means are the same: noise on training data does that too).
    Or the means of three channels fit those of training read backwards.
    Of ids: 30 % of the tokens are others, and two thirds of that go if all ids are moved by the
    same number; or 45 % are, and frequencies are much the same whatever the ids; or one rare id is
    half of all tokens; or rows are filled up with an id that never fills up a row of training.

    ## Known exceptions
    Strong augmentation (noise, crops, erasing, mixup, contrast) leaves a good part of the rows
    within the range of training. Silent for rows of three numbers or fewer (grids that a curve is
    plotted on), and where at least a tenth of the evaluated rows look like training rows: one of
    several evaluations is then as it should be. Ids that are about equally frequent, or sorted by
    frequency and moved by a few, tell nothing; another kind of text has other words, and is right.

    ## Example
    `train_x = (train_x - mean) / std`, and `val_x` is left as it was.

    ## What to try
    Apply what the training data go through, with the training set's mean and deviation, to the
    evaluation data.

    ## References
    LeCun, Bottou, Orr, Müller: Efficient BackProp, 1998 (statistics of the training set);
    scikit-learn, "Common pitfalls": inconsistent preprocessing.
    """

    name = "eval-preprocessed-differently"
    family = "data"
    severity = "warning"
    tier = "heuristic"
    by_hand = "what the training data went through stands in the script, not in its record"
    needs = ("eval_contents",)
    reads = ("eval_contents", "input_contents", "eval_tokens")
    requires = (That(_too_few_rows),)
    leads_to = {Effect.OVERFITTING: "held-out data that the model has never seen the like of"}
    limits = {
        "outside": Limit(0.9, "of evaluated rows", _MEASURED),
        "scale": Limit(4.0, "times the deviation", _MEASURED),
        "signed": Limit(1.6, "times the deviation, signs apart", _MEASURED),
        "unmoved": Limit(2.5, "times the deviation, one mean", "ours: noise as large as the data"),
        "shift": Limit(0.3, "deviations between the means", "ours: noise moves no mean"),
        "channels": Limit(0.25, "of the distance as it is", _MEASURED),
        "rows": Limit(16, "rows", "ours: fewer may all be unusual"),
        "numbers": Limit(4, "numbers a row", "ours: curves are plotted on grids of 1 to 3"),
        **ID_LIMITS,
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for _ in self.judgeable(run):
            for event in _last(run):
                data = event.data
                few = min(data["rows"], data["training_rows"]) < self.limit("rows")
                if (
                    few
                    or data["outside_share"] is None
                    or _numbers(run, data["place"]) < self.limit("numbers")
                ):
                    continue
                if float(data["outside_share"]) >= self.limit("outside") and self._rescaled(data):
                    yield self._scale(event)
                elif self._reversed(data):
                    yield self._channels(event)
            yield from self._ids(run)
            return

    def _ids(self, run: RunView) -> Iterator[Finding]:
        for event in run.events(EVAL_TOKENS):
            data = event.data
            if min(data["rows"], data["training_rows"]) < self.limit("rows"):
                continue
            if (found := other_ids(data, self.limit)) is not None:
                evidence = Evidence(
                    "eval_tokens", found.value, found.limit, found.unit, data["place"]
                )
                yield self.found(
                    f"{found.what} ({data['tokens']:,} evaluated tokens)",
                    found.why,
                    try_=(found.advice,),
                    where=Where(site=Site.read(data["line"]) or event.site),
                    steps=(0, event.step),
                    evidence=(evidence,),
                    process=event.process,
                )

    def _rescaled(self, data: EvalContents) -> bool:
        keys = ("mean", "std", "low", "eval_mean", "eval_std", "eval_low", "high", "eval_high")
        if any(data[key] is None or not isfinite(float(data[key])) for key in keys):  # type: ignore[literal-required]
            return False
        mean, std, low, held_mean, held_std, held_low = (float(data[k]) for k in keys[:6])  # type: ignore[literal-required]
        if not std or not held_std:
            return bool(std)
        factor = max(held_std / std, std / held_std)
        if factor >= self.limit("scale"):
            return True
        if (low < -0.1 * std) == (held_low < -0.1 * held_std):
            return False
        moved = abs(held_mean - mean) >= self.limit("shift") * std
        return factor >= self.limit("signed" if moved else "unmoved")

    def _reversed(self, data: EvalContents) -> bool:
        means, others = data["part_means"], data["eval_part_means"]
        numbers = (*means, *others, data["std"])
        if len(means) != 3 or len(others) != 3 or not all(isinstance(n, float) for n in numbers):
            return False
        as_it_is, backwards = dist(means, others), dist(means[::-1], others)
        apart = as_it_is > 0.1 * (data["std"] or 0.0)
        return apart and backwards < self.limit("channels") * as_it_is

    def _scale(self, event: Event[EvalContents]) -> Finding:
        data = event.data
        return self.found(
            f"evaluations gave `{data['place']}` numbers of mean {data['eval_mean']:.3g} and "
            f"deviation {data['eval_std']:.3g}, from {data['eval_low']:.3g} to "
            f"{data['eval_high']:.3g}; training mean {data['mean']:.3g} and deviation "
            f"{data['std']:.3g}, from {data['low']:.3g} to {data['high']:.3g}: "
            f"{data['outside_share']:.0%} of {data['rows']:,} evaluated rows lay outside of all "
            f"{data['training_rows']:,} training rows",
            "the model is evaluated on data that it has never learnt from: held-out numbers say "
            "nothing",
            try_=(
                "put evaluation data through what training data go through, with the mean and "
                "deviation of the training set",
            ),
            where=Where(site=Site.read(data["line"]) or event.site),
            steps=(0, event.step),
            evidence=(
                Evidence("eval_contents", data["outside_share"] or 0.0, self.limit("outside"),
                         "of evaluated rows", data["place"]),
            ),
            process=event.process,
        )  # fmt: skip

    def _channels(self, event: Event[EvalContents]) -> Finding:
        data = event.data
        means, others = (
            ", ".join(f"{mean:.3g}" for mean in data[key])
            for key in ("part_means", "eval_part_means")
        )
        return self.found(
            f"the three channels of `{data['place']}` had means {means} in training and {others} "
            "in evaluations: the same, backwards",
            "red and blue changed places between training and evaluation",
            try_=("read both with the same order of channels (OpenCV gives BGR, PIL gives RGB)",),
            where=Where(site=Site.read(data["line"]) or event.site),
            steps=(0, event.step),
            evidence=(Evidence("eval_contents", data["eval_part_means"][0],
                               data["part_means"][0], "mean of channel 0", data["place"]),),
            process=event.process,
        )  # fmt: skip


def _last(run: RunView) -> list[Event[EvalContents]]:
    """Returns the last that was written of each place, by process."""
    return list({(e.process, e.data["place"]): e for e in run.events(EVAL_CONTENTS)}.values())


def _numbers(run: RunView, place: str) -> int:
    shapes = (e.data["shape"] for e in run.events(INPUT_CONTENTS) if e.data["place"] == place)
    return prod(next(shapes, []))
