"""What a check says of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..journal.view import Site

Severity = Literal["error", "warning", "note"]
Tier = Literal["exact", "probe", "heuristic"]
Status = Literal["stable", "preview"]

SEVERITIES: Mapping[str, int] = {"error": 0, "warning": 1, "note": 2}
"""Each severity and its place, the gravest first."""
TIERS: Mapping[str, int] = {"exact": 0, "probe": 1, "heuristic": 2}
"""Each tier and its place, the surest first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One measured number and the limit that it broke (None: there is no limit to break).

    `steps` are the first and the last step at which it was measured, `samples` how often. A check
    gives them where they are others than those of the signal; the diagnosis fills in the rest.
    """

    signal: str
    value: float
    limit: float | None = None
    unit: str = ""
    place: str = ""
    steps: tuple[int, int] | None = None
    samples: int | None = None


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
    `try_` what to do. `training` is the index of the training it is about (None: all of the
    process), `began` between which steps it began (None: with the first of `steps`). `explained_by`
    names the checks whose findings are its direct causes, `processes` all in which the same was
    found, `also` more lines with the same fault.
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
    preview: bool = False
    training: int | None = None
    process: int = 0
    processes: tuple[int, ...] = ()
    began: tuple[int, int] | None = None
    role: Literal["cause", "symptom"] = "cause"
    explained_by: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[Site, ...] = ()

    @property
    def sites(self) -> tuple[Site, ...]:
        """All lines that it is about."""
        return (*((self.where.site,) if self.where.site is not None else ()), *self.also)

    @property
    def fault(self) -> tuple[object, ...]:
        """Equal for one fault at several lines: findings that differ by nothing but their line."""
        where = self.where
        if where.site is None or (where.module, where.parameter, where.group) != (None,) * 3:
            return (self.fingerprint,)
        return (self.check, self.severity, self.training, self.process)

    @property
    def fingerprint(self) -> str:
        """Equal for the same illness at the same place, whichever rank reported it."""
        return f"{self.check}:{self.where}"

    @property
    def onset(self) -> tuple[int, int]:
        """The earliest step at which it can have begun, and the first one at which it was seen."""
        return self.began or (self.steps[0], self.steps[0])

    def as_symptom(self, of: tuple[str, ...]) -> Finding:
        """Returns the same finding, explained by other checks."""
        return replace(self, role="symptom", explained_by=of)
