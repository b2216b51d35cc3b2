"""What a check says of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..journal.view import Site

Severity = Literal["error", "warning", "note"]
Tier = Literal["exact", "probe", "heuristic"]
Status = Literal["stable", "preview"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One measured number and the limit that it broke (None: there is no limit to break)."""

    signal: str
    value: float
    limit: float | None = None
    unit: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """What is ill: a line of the user's, a module, a parameter, an optimizer group."""

    site: Site | None = None
    module: str | None = None
    parameter: str | None = None
    group: int | None = None

    def __str__(self) -> str:
        parts = [self.parameter or self.module or ""]
        if self.group is not None:
            parts.append(f"group {self.group}")
        if self.site is not None:
            parts.append(str(self.site))
        return "  ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A remedy that assay can apply without a code change: a trick's name and its value."""

    name: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One illness of one run.

    `summary` says what was measured, in the past tense, with the number; `why` why it matters;
    `try_` what to do.
    """

    check: str
    family: str
    severity: Severity
    tier: Tier
    summary: str
    why: str
    try_: tuple[str, ...] = ()
    where: Where = Where()
    steps: tuple[int, int] = (0, 0)
    evidence: tuple[Evidence, ...] = ()
    tricks: tuple[Remedy, ...] = ()
    rank: int = 0
    preview: bool = False
    role: Literal["cause", "symptom"] = "cause"
    explained_by: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Equal for the same illness at the same place, whichever rank reported it."""
        return f"{self.check}:{self.where}"

    def as_symptom(self, of: tuple[str, ...]) -> Finding:
        """The same finding, explained by other checks."""
        return replace(self, role="symptom", explained_by=of)
