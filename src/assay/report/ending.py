"""How a run ended, or why nothing was seen of it: what comes before any finding."""

from __future__ import annotations

import signal as signals
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..journal.deaths import Death
from ..journal.events import OVERWRITTEN, STANDING
from ..journal.view import RunView
from ..signals.ranks import named
from ..signals.standing import listed, places

if TYPE_CHECKING:
    from .model import Report

_HINTS = {
    "SIGKILL": "the usual reason is that memory ran out",
    "SIGSEGV": "a crash inside compiled code, not in Python",
    "SIGBUS": "a crash inside compiled code, often a full /dev/shm",
    "SIGINT": "interrupted with Ctrl-C",
    "SIGTERM": "someone, or a scheduler, asked it to stop",
}


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why no training step was seen: one sentence, and what to do."""

    reason: str
    advice: tuple[str, ...] = ()


def signal_name(number: int | None) -> str | None:
    """Returns `SIGKILL` for 9; real-time signals that Python has no name for are `SIG40`."""
    if number is None:
        return None
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def how_it_ended(view: RunView) -> str | None:
    """Returns one clause on an end that is not plain success; None for that, and for a notebook."""
    facts, steps = view.facts, view.steps
    when = f"after {counted(steps, 'step')}" if steps else "before its first training step"
    if (death := _first_death(view)) and "overran" not in facts:
        clause = bad_end(view)
        return f"{clause}: {death}" if clause else f"ended, but {death}"
    if clause := bad_end(view):
        hint = None
        if "overran" not in facts:
            hint = _HINTS.get(signal_name(facts.get("signal")) or "")
        hint = hint or _overwritten(view)
        return f"{clause} {when}{f' ({hint})' if hint else ''}"
    if "stopped" in facts:
        return str(facts["stopped"])
    if "exit_code" not in facts and "in_process" not in facts:
        return "has no recorded end: it still runs, or assay itself was killed"
    return None


def _first_death(view: RunView) -> str | None:
    """Names the rank that failed first, how, after how many steps; and how the others ended."""
    deaths = view.facts.get("deaths")
    if not deaths:
        return None
    first: Death = deaths[0]
    code, hint = first.exit_code, ""
    if code is None:
        how, hint = "left no end in its record", "it was killed, or still runs"
    elif code < 0:
        name = signal_name(-code) or ""
        how, hint = f"was killed by {name}", _HINTS.get(name, "")
    else:
        how = f"ended with exit status {code}"
    ended = [death.rank for death in deaths[1:] if death.exit_code == -signals.SIGTERM]
    failed = [death.rank for death in deaths[1:] if death.rank not in ended]
    return (
        f"rank {first.rank} {how}{f' ({hint})' if hint else ''}, and its record ends after "
        f"{counted(first.steps, 'step')}"
        + (f"; {named(failed)} failed after it" if failed else "")
        + (f"; {named(ended)} {'were' if ended[1:] else 'was'} then ended" if ended else "")
    )


def _overwritten(view: RunView) -> str | None:
    """Names the step that lay between a forward pass and its backward pass, which then failed."""
    event = next(view.events(OVERWRITTEN), None)
    if event is None or event.training is None:
        return None
    training = next((t for t in view.trainings if t.index == event.training), None)
    if training is None:
        return None
    line = f" ({training.step_site})" if training.step_site else ""
    return (
        f"a step of {training.optimizer}{line} changed {event.data['parameter']} between a forward "
        "pass and its backward pass, which needs it as it was: call backward() before that step, "
        "or compute the forward pass again after it"
    )


def recording_lost(view: RunView) -> str | None:
    """Says why the recording stopped before the run did; None if it did not."""
    return next((error for error in view.errors if error.startswith("recording stopped")), None)


def what_failed(view: RunView) -> str | None:
    """Returns which probes failed and how; None if all worked.

    Nothing may then be called healthy without these words: what they record may be missing.
    """
    failed = [f"the probe `{name}` failed: {error}" for name, error in view.failed.items()]
    return "; ".join(" ".join(text.split()) for text in failed) or None


def how_judged(report: Report) -> str:
    """Returns `12 checks judged 300 steps, 4 could not`; why not is in the last lines."""
    said = (
        f"{counted(report.diagnosis.judged, 'check')} judged {counted(report.view.steps, 'step')}"
    )
    blind = len(report.diagnosis.skipped)
    return f"{said}, {blind} could not" if blind else said


def too_short(report: Report) -> str:
    """Says what silence is worth after few steps."""
    steps = counted(report.view.steps, "step")
    blind = len(report.diagnosis.skipped)
    found = "nothing but notes" if report.findings else "nothing"
    could = f", and {counted(blind, 'check')} could not judge so few" if blind else ""
    return f"{steps} seen and {found} found in them, but most faults need more to show{could}"


def not_moved(report: Report) -> str | None:
    """Says of which training the loss did not move; None if all moved."""
    still = report.unmoved
    if not still:
        return None
    training, seen = still[0]
    of = f" of {training}" if len(report.view.trainings) > 1 else ""
    further = "" if report.ladder is not None else ", `assay check --deep` looks further"
    return (
        f"the loss{of} did not move ({seen.begin:.4g} at first, {seen.end:.4g} at the end of "
        f"{counted(training.steps, 'step')}): no check knows why{further}"
    )


def bad_end(view: RunView) -> str | None:
    """Returns one clause on an end that is none of the script's own; None for a good one."""
    facts = view.facts
    name = signal_name(facts.get("signal"))
    if facts.get("overran"):
        return f"did not stop in time and was ended by assay ({name or 'SIGTERM'})"
    if name is not None:
        return f"was killed by {name}"
    if facts.get("exit_code"):
        return f"ended with exit status {facts['exit_code']}"
    return None


def why_unseen(view: RunView) -> Unseen | None:
    """Says why no training step was seen; None if one was."""
    if view.observed:
        return None
    facts = view.facts
    reached = facts.get("reached", ())
    in_process, trained = bool(facts.get("in_process")), bool(facts.get("processes"))
    end = bad_end(view)
    if lost := recording_lost(view):
        return Unseen(f"{lost}, before the first step was written")
    if view.errors and not trained:
        return Unseen(f"the record can't be used: {view.errors[0]}")
    if trained:
        if end:
            return Unseen(
                f"the script {end} in its first iteration: a backward pass, but no step"
                + _stood(view)
            )
        return Unseen(
            "backward passes were seen, but no optimizer step",
            ("is optimizer.step() ever reached? without it no weight changes",),
        )
    if in_process:
        return Unseen(
            "no training step ran between assay.start() and assay.stop()",
            ("call assay.start() before the model and the optimizer are made",),
        )
    if "torch" in reached:
        if end:
            return Unseen(f"the script {end} before its first training step{_stood(view)}")
        return Unseen(
            "torch was imported, but no backward pass and no optimizer step was seen",
            (
                "an evaluation-only script has nothing to check",
                "training through torch.func, or in another framework, can't be observed",
            ),
        )
    if "python" in reached:
        if end:
            return Unseen(f"the script {end} before it had imported torch")
        return Unseen(
            "the script never imported torch",
            ("assay watches PyTorch; other frameworks can't be observed",),
        )
    if end:
        return Unseen(f"the command {end} before assay got into a Python process")
    return Unseen(
        "assay never got into a Python process",
        (
            "start Python without -I, -E or -S, and let the command keep PYTHONPATH",
            "or call assay.start() at the top of the script",
        ),
    )


def _stood(view: RunView) -> str:
    """Returns where ranks had stood for long, in a clause that begins with a semicolon."""
    standing = list(view.events(STANDING))
    if not standing:
        return ""
    seconds = max(event.data["still_s"] for event in standing)
    return f"; for {seconds:.0f} s and more nothing went on: {listed(places(standing))}"


def counted(number: int, word: str) -> str:
    """Returns `1 step`, `2 steps`, `12,000 steps`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
