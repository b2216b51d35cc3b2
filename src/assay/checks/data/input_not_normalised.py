"""The check `input-not-normalised`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from ...journal.events import INPUT
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where

ADAPTIVE = ("adagrad", "adadelta", "rmsprop", "adafactor", "lion", "muon", "rprop")

_Batch = tuple[int, float, float]
"""Step, mean and standard deviation."""


NORMS = ("BatchNorm", "SyncBatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm")
OFFSET_FREE = ("BatchNorm", "SyncBatchNorm")


class InputNotNormalised(Check):
    """Data enter the first trainable layer on a scale far from 1, or far off zero.

    ## What it does
    Assay measures mean and standard deviation of what enters a trainable linear, convolutional or
    recurrent layer straight from the data, and takes the median over the sampled batches of the
    root mean square and of the mean over the deviation.

    ## Why it matters
    The first layer's gradient grows with the scale of its input, and the curvature with its square:
    a rate that is right for other layers blows up this one. A common offset makes all directions
    but one hard to learn.

    ## Evidence
    Heuristic, calibrated. Standardised digits times 32 broke plain SGD at rate 0.1, times 64 to 128
    momentum SGD, and no factor broke Adam: scale alone is a note under adaptive optimizers, and
    where the rate is low enough for it. An offset of 12 deviations broke half of all set-ups, one
    with Adam among them.

    ## Known exceptions
    Token ids, one-hot vectors, sparse inputs and small scales are silent. So is a model that scales
    its inputs itself, by a division in `forward` or by starting with a norm layer: what counts is
    what enters the first layer with weights.

    ## Example
    Pixels 0..255 as float into `nn.Conv2d`; a table with a column of years.

    ## What to try
    Subtract the mean and divide by the standard deviation of the training set, per channel or
    column; for pixels, divide by 255.

    ## References
    LeCun, Bottou, Orr, Müller: Efficient BackProp, 1998, section 4.3.
    """

    name = "input-not-normalised"
    family = "data"
    severity = "warning"
    tier = "heuristic"
    needs = ("layer_input_std",)
    reads = ("layer_input_std", "layer_input_mean", "input")
    leads_to = {
        Effect.EXPLODING: "gradients of the first layer grow with its inputs",
        Effect.RATE_TOO_HIGH: "curvature grows with the square of the inputs",
        Effect.DEAD: "first steps as long as the inputs throw units to zero",
        Effect.SATURATED: "large inputs drive units to their bounds at once",
        Effect.NOT_FINITE: "large inputs make large outputs, which overflow in the loss",
        Effect.STARTS_HIGH: "large inputs make large outputs, which are far off any target",
        Effect.NOT_LEARNING: "one large offset hides what differs between samples",
    }
    limits = {
        "scale": Limit(30, "root mean square", "measured in benchmarks/calibration/input_scale.py"),
        "offset": Limit(
            12, "|mean| / deviation", "measured in benchmarks/calibration/input_scale.py"
        ),
        "rate": Limit(
            40, "rate x scale squared", "measured in benchmarks/calibration/input_scale.py"
        ),
        "since": Limit(8, "batches", "ours: fewer may be outliers of well-kept data"),
        "change": Limit(5.0, "times the size before", "ours: the smallest slip is a factor of 10"),
        "constant": Limit(1e-4, "deviation / scale", "ours: below, the input is a constant code"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            for place in training.places("layer_input_std"):
                found = self._judge(run, training, place)
                if found is not None:
                    yield found

    def _judge(self, run: RunView, training: Training, place: str) -> Finding | None:
        deviations = dict(training.series("layer_input_std", place).finite())
        means = dict(training.series("layer_input_mean", place).finite())
        batches = [(s, means[s], deviations[s]) for s in sorted(deviations.keys() & means.keys())]
        before: list[_Batch] = []
        measure = self._measure(batches)
        if measure is None:
            before, batches = self._changed(batches)
            measure = self._measure(batches)
        if measure is None:
            return None
        mean, std, value, name = measure
        shifted = name == "offset"
        behind = _norm_behind(run, place)
        harmless = (
            _rate(training) * (mean**2 + std**2) < self.limit("rate") and not shifted
        ) or behind.startswith(OFFSET_FREE if shifted else NORMS)
        first = batches[0][0]
        since = f"from step {first} on " if before else ""
        usual = self._typical(before) if before else (math.nan, math.nan)
        was = f"; before that {usual[0]:.3g} and {usual[1]:.3g}" if before else ""
        return self.found(
            f"{since}what enters `{place}` from the data had mean {mean:.3g} and standard "
            f"deviation {std:.3g} (median of {len(batches)} batches){was}",
            "the first layer's gradient grows with this scale and its curvature with the square, "
            "so no rate suits all layers"
            if not shifted
            else "the common offset drowns what differs between samples",
            try_=(
                "subtract the training set's mean and divide by its standard deviation "
                "(pixels: divide by 255)",
            ),
            where=Where(site=_site(run), module=place),
            steps=(first, batches[-1][0]),
            evidence=(
                Evidence("layer_input_std", value, self.limit(name), self.limits[name].unit, place),
            ),
            tricks=(Remedy("normalise-input"),),
            severity="note" if harmless else "warning",
            process=training.process,
            began=(before[-1][0], first) if before else None,
        )

    @staticmethod
    def _typical(batches: list[_Batch]) -> tuple[float, float]:
        return median(mean for _, mean, _ in batches), median(std for *_, std in batches)

    def _measure(self, batches: list[_Batch]) -> tuple[float, float, float, str] | None:
        """Returns mean, deviation, and the limit that they break with its value; None for none."""
        if not batches:
            return None
        mean, std = self._typical(batches)
        scale = math.hypot(mean, std)
        if std <= self.limit("constant") * scale:
            return None
        if abs(mean) / std > self.limit("offset"):
            return mean, std, abs(mean) / std, "offset"
        return (mean, std, scale, "scale") if scale > self.limit("scale") else None

    def _changed(self, batches: list[_Batch]) -> tuple[list[_Batch], list[_Batch]]:
        """Splits the batches where all from one on break a limit by far more than those before."""
        begin = len(batches)
        while begin and self._measure([batches[begin - 1]]) is not None:
            begin -= 1
        before, after = batches[:begin], batches[begin:]
        least = int(self.limit("since"))
        if min(len(before), len(after)) < least:
            return [], []
        sizes = [math.hypot(*self._typical(part)) for part in (before, after)]
        return (before, after) if sizes[1] > self.limit("change") * sizes[0] else ([], [])


def _rate(training: Training) -> float:
    """Returns the largest rate of a plain step, momentum counted in; 0 if adaptive."""
    name = training.optimizer.lower()
    if "adam" in name or name.startswith(ADAPTIVE):
        return 0.0
    given = [group.settings for group in training.groups]
    rates = [
        float(s.get("lr") or 0.0) / max(1 - float(s.get("momentum") or 0.0), 0.01) for s in given
    ]
    return max(rates, default=math.inf)


def _site(run: RunView) -> Site | None:
    return next((event.site for event in run.events(INPUT)), None)


def _norm_behind(run: RunView, place: str) -> str:
    """Returns the class of the module that was registered right after a layer."""
    names = [module.name for module in run.modules]
    at = names.index(place) + 1 if place in names else len(names)
    return run.modules[at].kind if at < len(names) else ""
