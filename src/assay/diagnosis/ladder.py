"""The ladder: which rungs hold, between which the fault lies, and what to look at there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checks.registry import by_name
from ..journal.events import EVAL_CONTENTS, LADDER_RUNG
from ..journal.reader import read_run
from ..journal.view import RunView

FOLDER = "ladder"
"""Of the extra run, in the folder of the run that it explains."""

QUESTIONS = {
    "data": "do the inputs tell the targets?",
    "batch": "can the model, with this loss, learn one batch by heart?",
    "optimizer": "does the script's own optimizer, with its settings, do so too?",
    "stream": "and over the script's next batches?",
    "loop": "does the script's loop do what its optimizer does with clean gradients?",
    "mode": "do training and evaluation mode agree on the same batch?",
    "held-out": "do evaluations see what training saw?",
}
"""Each rung, from the lowest to the highest, and what it asks."""

LOOK = {
    "data": "look at inputs with their targets, side by side, right before the model: order, "
    "joins, shuffling, what is left after preprocessing",
    "batch": "look at the model and its loss: the last layer's activation, what the loss expects, "
    "shapes, signs, a detach(), the initial weights",
    "optimizer": "look at the optimizer's settings: rate and schedule, weight decay, betas, eps, "
    "and which parameters it holds; assay lr finds a rate",
    "stream": "look at how batches are drawn: shuffling, the sampler, the same batch again; and "
    "at the rate, which one batch forgives",
    "loop": "look between backward() and step(): zero_grad(), clipping, scaling, freezing, "
    "whatever else touches gradients or weights",
    "mode": "look at what differs between train() and eval(): norms over the batch and their "
    "momentum, dropout, branches on self.training",
    "held-out": "look at how evaluation data are read and prepared, beside those of training",
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung.

    Attributes:
        name: One of `QUESTIONS`.
        state: `passes`, `fails` or `untried`.
        said: What was seen, or why it was not tried.
        numbers: What was measured.
    """

    name: str
    state: str
    said: str
    numbers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs, from the lowest to the highest.

    Attributes:
        rungs: Those that were reached; empty where the extra run told nothing.
        why: Why it told nothing; empty if it did.
    """

    rungs: tuple[Rung, ...] = ()
    why: str = ""

    @property
    def broken(self) -> Rung | None:
        """The lowest rung that fails: what lies above stands on it."""
        return next((rung for rung in self.rungs if rung.state == "fails"), None)

    @property
    def below(self) -> Rung | None:
        """The highest rung below that one that holds; None if none does."""
        broken = self.broken
        if broken is None:
            return None
        lower = self.rungs[: self.rungs.index(broken)]
        return next((rung for rung in reversed(lower) if rung.state == "passes"), None)

    def verdict(self) -> str:
        """Returns one sentence: between which rungs the fault lies, or that none fails."""
        broken, below = self.broken, self.below
        if broken is None:
            held = sum(rung.state == "passes" for rung in self.rungs)
            if not held:
                return "no rung could be tried"
            return f"no rung fails, {held} of {len(self.rungs)} hold"
        if below is None:
            return f"the fault lies at {broken.name}: {broken.said}"
        return f"the fault lies between {below.name} and {broken.name}: {broken.said}"

    def as_dict(self) -> dict[str, Any]:
        """Returns it for JSON."""
        broken, below = self.broken, self.below
        return {
            "rungs": [
                {"name": rung.name, "asks": QUESTIONS.get(rung.name, ""), "state": rung.state,
                 "said": rung.said, "numbers": _plain(rung.numbers)}
                for rung in self.rungs
            ],
            "broken": broken.name if broken else None,
            "below": below.name if below else None,
            "verdict": self.verdict() if self.rungs else None,
            "look": LOOK.get(broken.name) if broken else None,
            "why": self.why or None,
        }  # fmt: skip


def ladder_of(view: RunView, why: str = "") -> Ladder:
    """Returns the ladder that a run climbed.

    Args:
        view: The extra run.
        why: What is known of it where it climbed none.
    """
    found = {event.data["rung"]: event.data for event in view.events(LADDER_RUNG)}
    rungs = tuple(
        Rung(name, data["state"], data["said"], data["numbers"])
        for name in QUESTIONS
        if (data := found.get(name)) is not None
    )
    if rungs:
        return Ladder((*rungs, _held_out(view)))
    return Ladder(why=why or "the extra run ended before any rung was tried")


def _held_out(view: RunView) -> Rung:
    """Returns the rung that needs no experiment: what evaluations of the extra run were given."""
    check = by_name("eval-preprocessed-differently")
    assert check is not None
    why = check.why_skipped(view)
    if why is not None:
        return Rung("held-out", "untried", why, {})
    found = next(iter(check.review(view)), None)
    if found is not None:
        return Rung("held-out", "fails", found.summary, {})
    last = list({e.data["place"]: e.data for e in view.events(EVAL_CONTENTS)}.values())
    rows = max(data["rows"] for data in last)
    said = f"{rows:,} rows that evaluations gave the model look like those of training"
    return Rung("held-out", "passes", said, {"rows": rows})


def read_ladder(folder: Path | None) -> Ladder | None:
    """Returns the ladder that belongs to a run; None where none was climbed."""
    if folder is None or not (folder / FOLDER / "run.json").is_file():
        return None
    try:
        view = read_run(folder / FOLDER)
    except OSError:
        return None
    why = view.failed.get("ladder") or ""
    code, killed = view.facts.get("exit_code"), view.facts.get("signal")
    if not why and (code or killed):
        end = f"status {code}" if code else f"signal {killed}"
        why = f"the extra run ended with {end} before any rung was tried"
    return ladder_of(view, why)


def _plain(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not abs(value) < float("inf") else value
        for name, value in numbers.items()
    }
