"""What is compared: the control, the candidates, the placebo; and the single runs that it takes."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .. import __version__
from ..tricks.base import TrickError
from ..tricks.catalogue import in_order, read


@dataclass(frozen=True, slots=True)
class Candidate:
    """One set of tricks that is compared with the control.

    Attributes:
        name: As it is shown, and as `--with` takes it: `clip-norm=1.0+warmup=20`.
        tricks: Each trick with its value, in the order in which they act.
        check: The finding that it is a remedy for; empty if the user asked for it.
        why: Where its values come from, in words.
    """

    name: str
    tricks: tuple[str, ...] = ()
    check: str = ""
    why: str = ""

    @property
    def trick_names(self) -> tuple[str, ...]:
        """Names of the tricks without their values."""
        return tuple(re.split("[=,]", text, maxsplit=1)[0] for text in self.tricks)

    @property
    def batches_per_step(self) -> int:
        """How many batches of the script one optimizer step takes with these tricks."""
        found = (re.match(r"accumulate=(\d+)", text) for text in self.tricks)
        return next((int(match[1]) for match in found if match), 1)

    @property
    def is_placebo(self) -> bool:
        """Whether it changes nothing."""
        return not self.tricks


CONTROL = Candidate("control")
PLACEBO = Candidate("placebo", why="the script as it is, once more: it must come out as no effect")


@dataclass(frozen=True, slots=True)
class Budget:
    """What the experiment may cost.

    Attributes:
        steps: Optimizer steps of each run; None for the whole script.
        seeds: How many seeds a verdict rests on.
        minutes: Wall-clock time for all runs together; None for no limit.
        jobs: Runs at the same time.
        fresh: Run again what an earlier trial has run already.
    """

    steps: int | None = None
    seeds: int = 3
    minutes: float | None = None
    jobs: int = 1
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the script: who, with which seed, how far."""

    candidate: Candidate
    seed: int
    steps: int | None = None
    seconds: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.candidate.name} · seed {self.seed}"

    def key(self, command: Sequence[str], *, bounded: bool = False) -> str:
        """Equal for runs that must have the same result, as long as no source file changes.

        Args:
            command: The child's argument vector.
            bounded: Of a run that its time bound has stopped: another bound, another result.
        """
        # the placebo is told apart from the control, or it would never be run
        of = "placebo" if self.candidate == PLACEBO else list(self.candidate.tricks)
        told = [list(command), os.getcwd(), of, self.seed, self.steps, __version__]
        if bounded:
            told.append(self.seconds)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]


def read_candidate(text: str, check: str = "", why: str = "") -> Candidate:
    """Reads `NAME=VALUE,key=value`, or several of them joined by `+`.

    Raises:
        TrickError: A trick is unknown, takes no such value, or can't stand beside another.
    """
    # a plus before a digit belongs to a number such as 1e+3
    parts = [part.strip() for part in re.split(r"\+(?![0-9])", text)]
    if not all(parts):
        raise TrickError(f"{text!r}: expected a trick on each side of +, as in ema+clip-norm=1")
    tricks = in_order([read(part) for part in parts])
    words = tuple(str(trick) for trick in tricks)
    return Candidate("+".join(words), words, check, why)


def together(candidates: Iterable[Candidate], check: str = "") -> Candidate:
    """All tricks of these candidates in one; the same trick with the same value counts once.

    Raises:
        TrickError: Two of them can't stand together.
    """
    tricks = dict.fromkeys(text for candidate in candidates for text in candidate.tricks)
    made = read_candidate("+".join(tricks), check)
    return Candidate(made.name, made.tricks, check, "all of them together")


def distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates, each set of tricks once, in the order in which they came."""
    first: dict[tuple[str, ...], Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.tricks, candidate)
    return list(first.values())
