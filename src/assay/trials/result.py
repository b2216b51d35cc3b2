"""What is kept of one run of a trial."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..journal.numbers import json_safe
from .metric import Measured

State = Literal["done", "failed", "refused", "killed", "unseen", "slow", "ended"]


@dataclass(frozen=True, slots=True)
class Result:
    """One run that has ended.

    Attributes:
        state: `done`; `failed`: the script ended with an error of its own; `refused`: a trick does
            not fit it; `killed` by a signal, twice; `unseen`: no training step; `slow`: stopped
            before its steps were done; `ended` by whoever was looking on.
        why: One line on a state other than done.
        measured: How good it turned out.
        findings: (check, severity) of what is wrong with it.
        broken: Checks that found a broken invariant: an exact finding that is no mere effect.
        silent: Checks that judged it and found nothing; None if that is not known.
        constant: The training loss of a constant prediction; None where it is not known.
        steps, seconds: What it took.
        folder: Its run folder, with `output.txt`: what the script printed.
        sources: Hash of each of the user's own files that it loaded.
        resumed: Known from an earlier trial, not run again.
    """

    state: State
    steps: int
    seconds: float
    measured: Measured = field(default_factory=Measured)
    findings: tuple[tuple[str, str], ...] = ()
    why: str = ""
    folder: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    silent: tuple[str, ...] | None = None
    constant: float | None = None
    resumed: bool = False

    def checks(self, *severities: str) -> frozenset[str]:
        """Names what found something: checks of these severities, or all."""
        return frozenset(c for c, s in self.findings if not severities or s in severities)

    def as_line(self) -> dict[str, Any]:
        """Returns a line for the store: numbers that JSON does not know are words."""
        line: dict[str, Any] = json_safe(asdict(self))
        del line["resumed"]
        return line

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> Result:
        """Reads what `as_line` gave.

        Raises:
            KeyError, TypeError, ValueError: It is not a line of ours.
        """
        measured = Measured(
            {kind: float(value) for kind, value in line["measured"]["values"].items()},
            {
                kind: tuple((int(step), float(value)) for step, value in curve)
                for kind, curve in line["measured"]["curves"].items()
            },
        )
        return cls(
            state=line["state"],
            steps=int(line["steps"]),
            seconds=float(line["seconds"]),
            measured=measured,
            findings=tuple((str(check), str(severity)) for check, severity in line["findings"]),
            why=str(line["why"]),
            folder=str(line["folder"]),
            sources=dict(line["sources"]),
            broken=tuple(map(str, line.get("broken", ()))),
            silent=None if line.get("silent") is None else tuple(map(str, line["silent"])),
            constant=None if line.get("constant") is None else float(line["constant"]),
            resumed=True,
        )

    def is_current(self) -> bool:
        """Whether each of the user's files that it loaded is still the same."""
        return all(content_hash(path) == known for path, known in self.sources.items())


def content_hash(path: str) -> str:
    """Hashes a file's content; empty if it can't be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:24]
    except OSError:
        return ""


def dumps(line: Mapping[str, Any]) -> str:
    """Writes one line of JSON; what is not finite becomes a word."""
    return json.dumps(json_safe(line), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
