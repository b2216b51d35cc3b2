"""The check `input-constant`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import InputContents, PartFacts
from ...journal.view import Event, RunView, Site, Training
from ...signals.contents import last_contents, rows_seen
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Where
from ..requirements import That, too_few


def _too_few_rows(check: Check, run: RunView, training: Training) -> str | None:
    """Says that too few rows of its inputs were seen."""
    seen = (rows_seen(training, e.data) for e in last_contents(run, training))
    return too_few(max(seen, default=0), check.limit("rows"), "rows of inputs")


class InputConstant(Check):
    """The model's input, or one of its features or channels, is the same in every sample.

    ## What it does
    Assay compares all rows that the model is given on sampled steps with the first one, and follows
    the smallest and the largest value of each feature of a table and of each channel of a picture
    or a series.

    ## Why it matters
    From an input that never changes nothing can be told: the model can only learn a constant
    answer. A feature that never changes is one that was lost on the way.

    ## Evidence
    Exact, for the rows that were seen: smallest and largest value are equal to the last bit, or all
    rows are.

    ## Known exceptions
    Silent for inputs of one row (a fixed code that a picture is fitted to), for one of several
    inputs (masks, first states), for zeros and ones (one-hot features that are seldom set), tables
    with other features of two values, the borders of pictures, wide tables of which less than half
    is constant, and an alpha channel.

    ## Example
    `x - x.mean(1, keepdim=True)` on rows of one number: all that is left is zeros.

    ## What to try
    Look at the data just before the model: `x.std(0)`. Then at the line that makes them: a
    normalisation over the wrong dimension, an integer division, an array that is never filled.

    ## References
    Braiek, Khomh: Testing Feedforward Neural Networks Training Programs, 2023 (constant features).
    """

    name = "input-constant"
    family = "data"
    severity = "warning"
    tier = "exact"
    by_hand = "what the inputs should have been is not known"
    needs = ("input_contents",)
    reads = ("input_contents", "input_fingerprint")
    requires = (That(_too_few_rows),)
    leads_to = {
        Effect.NOT_LEARNING: "one answer for one input is all that can be learnt",
        Effect.RATE_TOO_HIGH: "once that answer is learnt, steps can only lead away from it",
    }
    limits = {
        "rows": Limit(256, "rows", "ours: a rare value comes up among so many"),
        "narrow": Limit(32, "features", "ours: a flattened picture has more, with an empty border"),
        "half": Limit(0.5, "of a wide table", "ours: borders and rare words are less"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            known = last_contents(run, training)
            several = all(event.data["rows"] > event.data["batches"] for event in known)
            if several and all(event.data["unchanged"] for event in known):
                yield self._whole(training, known[0])
                continue
            for event in known:
                if rows_seen(training, event.data) < self.limit("rows"):
                    continue
                for part in event.data["parts"]:
                    if _is_of_parts(run, event.data, part) and self._is_lost(event.data, part):
                        yield self._part(training, event, part)

    def _is_lost(self, data: InputContents, part: PartFacts) -> bool:
        varied = part["size"] - part["constant"]
        if not part["constant"] or not varied or data["binary"]:
            return False
        if len(data["shape"]) > 1:
            edges = _at_the_edges(part) and len(data["shape"]) == 2
            alpha = part["size"] == 4 and part["which"] == [3]
            return part["size"] <= 64 and not part["two_valued"] and not edges and not alpha
        if part["size"] < self.limit("narrow"):
            return not part["two_valued"]
        wide = part["constant"] >= self.limit("half") * part["size"]
        return wide and varied >= 8 and part["two_valued"] < 0.1 * varied

    def _whole(self, training: Training, event: Event[InputContents]) -> Finding:
        data = event.data
        return self.found(
            f"all {data['rows']:,} rows that `{data['place']}` was given in {data['batches']} "
            "sampled batches were equal to the last bit",
            "from an input that never changes only one answer can be learnt",
            try_=("look at the data just before the model, and at the line that makes them",),
            where=Where(site=Site.read(data["line"]) or event.site),
            steps=(0, event.step),
            evidence=(
                Evidence("input_contents", 1.0, 1.0, "of rows equal the first", data["place"]),
            ),
            training=training,
        )

    def _part(self, training: Training, event: Event[InputContents], part: PartFacts) -> Finding:
        data = event.data
        what = "channel" if len(data["shape"]) > 1 else "feature"
        named = ", ".join(str(n) for n in part["which"][:8])
        more = " and others" if part["constant"] > 8 else ""
        many = part["constant"] > 1
        values = sorted({float(value) for value in part["values"]})
        value = f"{values[0]:.4g}" if len(values) == 1 else "a value of its own"
        return self.found(
            f"{what}{'s' if many else ''} {named}{more} of the {part['size']} of "
            f"`{data['place']}` held {value} in all {data['rows']:,} rows that were seen",
            f"a {what} that never changes says nothing: it was lost on the way to the model",
            try_=(f"look where {'they are' if many else 'it is'} made, or leave it out",),
            where=Where(site=Site.read(data["line"]) or event.site),
            steps=(0, event.step),
            evidence=(
                Evidence("input_contents", part["constant"], 0, f"constant {what}s", data["place"]),
            ),
            training=training,
        )


def _is_of_parts(run: RunView, data: InputContents, part: PartFacts) -> bool:
    """Whether features or channels lie along this dimension; of series either may be."""
    if len(data["shape"]) != 2:
        return True
    kinds = {module.kind for module in run.modules}
    first = bool(kinds & {"Conv1d", "BatchNorm1d"})
    last = bool(kinds & {"LSTM", "GRU", "RNN", "TransformerEncoderLayer", "MultiheadAttention"})
    return part["dim"] == (1 if first else 2) and first != last


def _at_the_edges(part: PartFacts) -> bool:
    """Whether what never changes are the first and last ones: borders, padding."""
    known, low, high = set(part["which"]), 0, part["size"] - 1
    while low in known:
        low += 1
    while high in known:
        high -= 1
    return all(n < low or n > high for n in known)
