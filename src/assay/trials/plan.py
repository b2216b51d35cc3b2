"""What is compared: the control, the candidates, the placebo; and the single runs that it takes."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .. import __version__
from ..tricks.base import Trick
from ..tricks.catalogue import in_order


@dataclass(frozen=True, slots=True)
class Given:
    """What a script is given otherwise than the user's command gives it.

    Attributes:
        words: The whole command, `script.py args...`; empty where it is the user's own.
        variables: Names and values of environment variables.
    """

    words: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.variables)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One set of tricks that is compared with the control.

    Attributes:
        name: As it is shown, and as `--with` takes it: `clip-norm=1.0+warmup=20`.
        tricks: In the order in which they act.
        checks: The findings that it is a remedy for; empty if the user asked for it.
        why: Where its values come from, in words.
        given: What the script is given otherwise; nothing for a trial of tricks alone.
    """

    name: str
    tricks: tuple[Trick, ...] = ()
    checks: tuple[str, ...] = ()
    why: str = ""
    given: Given = Given()

    @property
    def words(self) -> tuple[str, ...]:
        """Each trick with its values, as `--with` takes it."""
        return tuple(str(trick) for trick in self.tricks)

    @property
    def trick_names(self) -> tuple[str, ...]:
        """Names of the tricks without their values."""
        return tuple(trick.name for trick in self.tricks)

    @property
    def purpose(self) -> str:
        """The findings that it is a remedy for, as they are shown."""
        return " + ".join(self.checks)

    @property
    def batches_per_step(self) -> int:
        """How many batches of the script one optimizer step takes with these tricks."""
        return math.prod(trick.batches_per_step() for trick in self.tricks)

    @property
    def is_placebo(self) -> bool:
        """Whether it changes nothing."""
        return not self.tricks and not self.given


CONTROL = Candidate("control")
PLACEBO = Candidate("placebo", why="the script as it is, once more: it must come out as no effect")


@dataclass(frozen=True, slots=True)
class Budget:
    """What the experiment may cost.

    Attributes:
        steps: Optimizer steps of each run; None for the whole script.
        seeds: How many seeds a verdict rests on.
        most: How many it may rest on where more seeds can decide; no more if it is less.
        minutes: Wall-clock time for all runs together; None for no limit.
        jobs: Runs at the same time.
        fresh: Run again what an earlier trial has run already.
    """

    steps: int | None = None
    seeds: int = 3
    most: int = 0
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
        """Returns what is equal for runs of the same result, as long as no source file changes.

        Args:
            command: The child's argument vector.
            bounded: Of a run that its time bound has stopped: another bound, another result.
        """
        # the placebo is told apart from the control, or it would never be run
        of = "placebo" if self.candidate == PLACEBO else list(self.candidate.words)
        told = [list(command), os.getcwd(), of, self.seed, self.steps, __version__]
        given = self.candidate.given
        if given:
            told.append([list(given.words), [list(pair) for pair in given.variables]])
        if bounded:
            told.append(self.seconds)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]


def candidate_of(tricks: Iterable[Trick], checks: tuple[str, ...] = (), why: str = "") -> Candidate:
    """Makes a candidate of these tricks, named by what `--with` takes.

    Raises:
        TrickError: Two of them can't stand together.
    """
    ordered = in_order(tricks)
    return Candidate("+".join(map(str, ordered)) or CONTROL.name, ordered, checks, why)


def together(candidates: Iterable[Candidate], checks: tuple[str, ...] = ()) -> Candidate:
    """Joins all tricks of these candidates; the same trick with the same values counts once.

    Raises:
        TrickError: Two of them can't stand together.
    """
    tricks = dict.fromkeys(trick for candidate in candidates for trick in candidate.tricks)
    return candidate_of(tricks, checks, "all of them together")


def distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Returns the candidates, each set of tricks once, in the order in which they came."""
    first: dict[tuple[Trick, ...], Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.tricks, candidate)
    return list(first.values())
