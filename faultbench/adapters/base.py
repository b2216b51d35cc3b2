"""What an adapter is. It runs on both sides, so it imports only the standard library.

An adapter says how its tool is installed, where it is attached, and which of its sentences name which
faults. On our side `rules` and `read` turn what the tool said into names of faults; on the tool's
side, in the tool's own environment, `faultbench/attach.py` runs the script and calls the methods
`begin`, `attach`, `before_step`, `after_step` and `finish` where the tool's documentation puts its
lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

SPAWNS = re.compile(r"\b(mp|multiprocessing)\.(spawn|start_processes|Process)\b")
SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Said:
    """One statement of a tool.

    Attributes:
        severity: `error`, `warning` or `note`; a note on a right script is no false alarm.
        text: The tool's own words.
        line: The line of the script that it names, if any.
        faults: Names of faults that the statement points to, by the adapter's rules.
        proved: Whether the tool proved by an experiment that it can be cured.
    """

    severity: str
    text: str
    line: int | None = None
    faults: frozenset[str] = frozenset()
    proved: bool = False

    @property
    def alarms(self) -> bool:
        """Whether it counts as an alarm: a warning or worse."""
        return self.severity != "note"


@dataclass
class Step:
    """What a user has at hand at an optimizer step.

    Attributes:
        number: From 0.
        loss: Of the last backward, as a float; None before the first.
        rate: Learning rate of the first group.
        inputs, targets, outputs: Of the last training batch, where they could be told.
        held_out: Mean loss of the evaluation since the last step, if there was one.
        model, optimizer: The ones attached to.
    """

    number: int
    loss: float | None
    rate: float
    model: Any
    optimizer: Any
    inputs: Any = None
    targets: Any = None
    outputs: Any = None
    held_out: float | None = None

    def gradient_norm(self) -> float:
        """The global L2 norm of the model's gradients, as a user would log it."""
        total = 0.0
        for parameter in self.model.parameters():
            if parameter.grad is not None:
                total += float(parameter.grad.detach().float().norm()) ** 2
        return total**0.5


@dataclass
class Adapter:
    """A tool: how it is installed, attached, and read.

    Attributes:
        out: Folder for what the tool leaves.
        said: What it has said so far.
        loss_call: The last call of a loss function in training: (function, args, kwargs).
    """

    name: ClassVar[str]
    package: ClassVar[str] = ""
    """On the package index; its version is shown. Empty: a part of what the base already has."""
    requirements: ClassVar[Sequence[str]] = ()
    licence: ClassVar[str] = ""
    changed_lines: ClassVar[int] = 0
    """Lines that a user adds or edits, after the documentation's own example."""
    setup: ClassVar[str] = ""
    """Where it is attached, in a sentence or two."""
    rules: ClassVar[Sequence[tuple[str, str]]] = ()
    """(regular expression, faults it points to): each one that is found in a statement counts."""
    ranked: ClassVar[bool] = False
    """Whether the tool itself puts the likeliest cause first; others are sorted by severity."""
    wants_reference: ClassVar[bool] = False
    """Whether it gets a right run: the mended twin of a faulty script, a right script itself."""
    limit_s: ClassVar[float] = 180.0

    out: Path = field(default_factory=Path)
    said: list[dict[str, Any]] = field(default_factory=list)
    loss_call: Any = None

    # -- on our side --------------------------------------------------------------------------

    def applies(self, source: str) -> str:
        """Returns why the tool can't be asked about this script; empty if it can."""
        if SPAWNS.search(source):
            return "the script trains in processes of its own, into which nothing is attached"
        return ""

    def command(self, python: str, script: Path, out: Path) -> list[str]:
        """Returns what is run for one script."""
        return [python, "-m", "faultbench.attach", self.name, str(script), str(out)]

    def read(self, out: Path) -> list[Said]:
        """Returns what the tool said, from what it left in the folder of its run."""
        path = out / "said.json"
        if not path.exists():
            return []
        known = json.loads(path.read_text(encoding="utf-8"))
        said = [
            Said(one["severity"], one["text"], one.get("line"), self.faults_in(one["text"]))
            for one in known["said"]
        ]
        return sorted(said, key=lambda one: SEVERITIES.index(one.severity))

    def trouble(self, out: Path) -> str:
        """Returns what kept the tool from working on this script; empty if nothing did."""
        path = out / "said.json"
        if not path.exists():
            return "left nothing"
        return str(json.loads(path.read_text(encoding="utf-8"))["trouble"])

    @classmethod
    def faults_in(cls, text: str) -> frozenset[str]:
        """Returns the faults that a statement points to, by the rules."""
        return frozenset(
            fault
            for pattern, faults in cls.rules
            if re.search(pattern, text, re.IGNORECASE)
            for fault in faults.split()
        )

    # -- on the tool's side -------------------------------------------------------------------

    def say(self, severity: str, text: str, line: int | None = None) -> None:
        """Notes a statement; the same words are noted once."""
        one = {"severity": severity, "text": text, "line": line}
        if one not in self.said:
            self.said.append(one)

    def begin(self) -> None:
        """Is called before the script starts."""

    def attach(self, model: Any, optimizer: Any) -> None:
        """Is called once, before the first forward pass of a model that an optimizer holds."""

    def before_backward(self, loss: Any) -> None:
        """Is called before each backward pass."""

    def before_step(self, step: Step) -> None:
        """Is called between backward and each step of the attached optimizer."""

    def after_step(self, step: Step) -> None:
        """Is called after each step of the attached optimizer."""

    def finish(self, error: BaseException | None) -> None:
        """Is called after the script.

        Args:
            error: What the script died of, if it did.
        """
