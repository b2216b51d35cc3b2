"""The loss of the best prediction that ignores the input."""

from __future__ import annotations

import math
from statistics import fmean

from ..journal.events import LossCall
from ..journal.view import Event, Training


def constant_loss(training: Training, call: Event[LossCall]) -> float | None:
    """Loss of a constant prediction over the targets seen; None where it isn't known or is 0.

    Nor is there one where the targets drift, as bootstrapped ones do: no constant suits them all.

    Never too low: where the distribution of the targets is not known in full, an upper bound is
    given, so that who compares with it errs on the side of silence.

    Args:
        training: whose targets were seen.
        call: its `loss_call` event.
    """
    name, place = call.data["fn"], call.data["place"]
    if name in ("cross_entropy", "nll_loss"):
        return _of_classes(training, call)
    means = [v for v in training.series("target_mean", place).values if math.isfinite(v)]
    spreads = [v for v in training.series("target_std", place).values if math.isfinite(v)]
    if not means or len(spreads) != len(means):
        return None
    if drift(training, place) is not None:
        return None
    mean = fmean(means)
    if name.startswith("binary_cross_entropy"):
        return _entropy([mean, 1 - mean]) if 0 < mean < 1 else None
    variance = fmean(s * s for s in spreads) + fmean((m - mean) ** 2 for m in means)
    bounds = {
        "mse_loss": variance,
        "l1_loss": math.sqrt(variance),
        "smooth_l1_loss": min(variance, math.sqrt(variance)),
        "huber_loss": variance / 2,
    }
    return bounds.get(name) or None


def drift(training: Training, place: str) -> tuple[float, float, float] | None:
    """Returns how far the mean of the targets of a loss call went, if by more than their spread.

    Returns:
        Mean over the first and over the last quarter of the samples, and the spread within a batch;
        None where the distribution stays, or where there are fewer than 4 samples.
    """
    means = training.series("target_mean", place).finite().values
    spreads = training.series("target_std", place).finite().values
    if len(means) < 4 or not len(spreads):
        return None
    quarter = len(means) // 4
    first, last = fmean(means[:quarter]), fmean(means[-quarter:])
    spread = math.sqrt(fmean(s * s for s in spreads))
    return (first, last, spread) if abs(last - first) > spread else None


def _of_classes(training: Training, call: Event[LossCall]) -> float | None:
    shape, target = call.data["input"]["shape"], call.data["target"]
    if len(shape) < 2 or not target or "float" in target["dtype"]:
        return None
    classes = shape[1]
    counts = [sum(training.series("label_count", str(c)).values) for c in range(classes)]
    if classes > 64 or len(shape) > 2 or not sum(counts):
        return math.log(classes) if classes > 1 else None
    smooth = float(call.data.get("label_smoothing") or 0.0)
    whole = sum(counts)
    return _entropy([(1 - smooth) * c / whole + smooth / classes for c in counts]) or None


def _entropy(shares: list[float]) -> float:
    return -sum(p * math.log(p) for p in shares if p > 0)
