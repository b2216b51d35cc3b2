"""Why something was not recorded, in the words of the probe that would have recorded it."""

from __future__ import annotations

from typing import Any

from .events import EVENTS
from .schema import EventKind, Signal, unknown
from .signals import SIGNALS
from .view import RunView


def recorded(run: RunView, name: str) -> bool:
    """Whether a run has this signal, or an event of this kind; KeyError if it is not declared."""
    if isinstance(_declared(name), Signal):
        return any(training.signals.get(name) for training in run.trainings)
    return any(True for _ in run.events(name))


def emitter(name: str) -> str:
    """Returns the name of the probe that records this signal or event; KeyError if nobody does."""
    return _declared(name).by


def failure(run: RunView, name: str) -> str | None:
    """Returns how the probe of this signal or event failed; None if it did not."""
    probe = emitter(name)
    if probe not in run.failed:
        return None
    who = "the watch itself" if probe == "clock" else f"the probe `{probe}`"
    return f"{who} failed: {run.failed[probe]}"


def why_missing(run: RunView, name: str) -> str:
    """Returns why a signal or event that a run does not have was not recorded.

    Its probe failed, or said why it could not look at this, or at anything; else what its
    declaration says that absence means, with the steps that were looked at.
    """
    declared = _declared(name)
    said = failure(run, name) or run.skipped.get(name) or run.skipped.get(declared.by)
    return said or declared.absent + ("" if declared.always else _sampled(run))


def _declared(name: str) -> Signal | EventKind[Any]:
    found = SIGNALS.get(name) or EVENTS.get(name)
    if found is None:
        raise KeyError(unknown("signal or event", name, [*SIGNALS, *EVENTS]))
    return found


def _sampled(run: RunView) -> str:
    """Returns which steps were looked at, unless it was every one."""
    cost = run.facts.get("cost") or {}
    samples, steps = cost.get("samples"), cost.get("iterations")
    if samples is None or steps is None:  # a process that was killed has not said
        return " in the sampled steps"
    if samples >= steps:
        return ""
    last = f" (none after step {cost['last']:,})" if "last" in cost else ""
    return f" in the {samples:,} sampled of {steps:,} steps{last}"
