"""How a run ended, and why nothing was seen of it: the two questions that come before any finding."""

from __future__ import annotations

import signal as signals
from dataclasses import dataclass

from ..journal.view import RunView

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
    """`SIGKILL` for 9; real-time signals that Python has no name for are `SIG40`."""
    if number is None:
        return None
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def failed(view: RunView) -> bool:
    """Whether the script ended otherwise than with status 0."""
    facts = view.facts
    return facts.get("signal") is not None or facts.get("exit_code") not in (0, None)


def how_it_ended(view: RunView) -> str | None:
    """One clause on an end that is not plain success; None for that, and for a notebook."""
    facts, steps = view.facts, view.steps
    when = f"after {counted(steps, 'step')}" if steps else "before its first training step"
    name = signal_name(facts.get("signal"))
    if facts.get("overran"):
        return f"did not stop in time and was ended by assay ({name or 'SIGTERM'}) {when}"
    if name is not None:
        hint = f" ({_HINTS[name]})" if name in _HINTS else ""
        return f"killed by {name} {when}{hint}"
    if facts.get("exit_code"):
        return f"ended with exit status {facts['exit_code']} {when}"
    if "stopped" in facts:
        return str(facts["stopped"])
    if "exit_code" not in facts and "in_process" not in facts:
        return "its end was not recorded: it still runs, or assay itself was killed"
    return None


def why_unseen(view: RunView) -> Unseen | None:
    """Why no training step was seen; None if one was."""
    if view.observed:
        return None
    facts = view.facts
    reached = facts.get("reached", ())
    in_process = bool(facts.get("in_process"))
    if view.errors and not facts.get("processes"):
        return Unseen(f"the record can't be used: {view.errors[0]}")
    if not reached and not in_process and not facts.get("processes"):
        if failed(view):
            return Unseen("the command failed before a Python process had started")
        return Unseen(
            "assay never got into a Python process",
            (
                "start Python without -I, -E or -S, and let the command keep PYTHONPATH",
                "or call assay.start() at the top of the script",
            ),
        )
    crashed = failed(view)
    if "torch" not in reached and not in_process and not facts.get("processes"):
        if crashed:
            return Unseen("the script ended before it had imported torch")
        return Unseen(
            "the script never imported torch",
            ("assay watches PyTorch; other frameworks can't be observed",),
        )
    if not facts.get("processes"):
        if crashed:
            return Unseen("the script ended before its first training step")
        if in_process:
            return Unseen(
                "no training step ran between assay.start() and assay.stop()",
                ("call assay.start() before the model and the optimizer are made",),
            )
        return Unseen(
            "torch was imported, but no backward pass and no optimizer step was seen",
            (
                "an evaluation-only script has nothing to check",
                "training through torch.func, or in another framework, can't be observed",
            ),
        )
    if crashed:
        return Unseen("the script ended in its first iteration: a backward pass, but no step")
    return Unseen(
        "backward passes were seen, but no optimizer step",
        ("is optimizer.step() ever reached? without it no weight changes",),
    )


def counted(number: int, word: str) -> str:
    """`1 step`, `2 steps`, `12,000 steps`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
