"""What the tools said in all cells, read from what they left, and the scores as a table."""

from __future__ import annotations

import datetime
import platform
from functools import cached_property
from pathlib import Path
from typing import Any

from .adapters import TOOLS
from .adapters.base import Said
from .catalogue import Answer, Case, answer, cases
from .running import PLAIN, adapter, environment, read_results, version
from .scoring import FIRST, Score, score

APART = (PLAIN, "assay-fix", "traincheck", "lightning")
"""Asked about fewer cases than the others: they take too long, or are for few scripts."""


class Results:
    """The results of a work folder.

    Args:
        work: Its path.
    """

    def __init__(self, work: Path) -> None:
        self.work = work
        self.every = every = {case.name: case for case in cases()}
        self.lines = [r for r in read_results(work / "results.jsonl") if r["case"] in every]
        self.known = {(r["tool"], r["case"], r["variant"]): r for r in self.lines}
        self.date = datetime.date.today().isoformat()
        self.cases: dict[str, Case] = {r["case"]: every[r["case"]] for r in self.lines}

    def folder(self, tool: str, case: str, variant: str) -> Path:
        """Returns where a cell's output lies."""
        return self.work / "out" / tool / case.replace("/", ".") / variant

    @cached_property
    def said(self) -> dict[tuple[str, str, str], list[Said]]:
        """What was said in each cell."""
        known: dict[tuple[str, str, str], list[Said]] = {}
        for r in self.lines:
            key = r["tool"], r["case"], r["variant"]
            known[key] = [] if r["tool"] == PLAIN else adapter(r["tool"]).read(self.folder(*key))
        return known

    @cached_property
    def answers(self) -> dict[str, Answer]:
        """The answers; read here, after all tools have answered."""
        return {name: answer(case) for name, case in self.cases.items()}

    @cached_property
    def common(self) -> frozenset[str]:
        """The cases that every tool was asked about, of the tools asked about at least a few."""
        asked: dict[str, set[str]] = {}
        for r in self.lines:
            if r["variant"] == "sick" and r["tool"] not in APART and r.get("applies") is not False:
                asked.setdefault(r["tool"], set()).add(r["case"])
        return frozenset.intersection(*(frozenset(names) for names in asked.values()))

    def scores(self, half: str = "", origin: str = "", *, common: bool = False) -> dict[str, Score]:
        """Returns each tool's score, in the table's order.

        Args:
            half: Of this half only.
            origin: Of this origin only.
            common: Of the cases that every tool was asked about only.
        """
        lines = [
            r
            for r in self.lines
            if (not half or self.cases[r["case"]].half == half)
            and (not common or r["case"] in self.common)
            and (not origin or self.cases[r["case"]].origin == origin)
        ]
        found = score(lines, self.said, self.answers)
        return {tool: found[tool] for tool in TOOLS if tool in found}

    @cached_property
    def versions(self) -> dict[str, str]:
        """The version of each tool that was run."""
        known = {}
        for tool in self.scores():
            try:
                known[tool] = version(adapter(tool), environment(adapter(tool)))
            except RuntimeError:
                known[tool] = "not installed"
        revision = self.work / "revision"
        if "assay" in known and revision.exists():
            known["assay"] += f" ({revision.read_text(encoding='utf-8').strip()})"
        return known

    def summary(self) -> dict[str, Any]:
        """Returns everything that the page's table says, for programs."""
        return {
            "date": self.date,
            "python": platform.python_version(),
            "versions": self.versions,
            "cases": sorted(self.cases),
            "all": {tool: one.as_dict() for tool, one in self.scores().items()},
            "halves": {
                half: {tool: one.as_dict() for tool, one in self.scores(half).items()}
                for half in ("public", "sealed")
            },
            "origins": {
                origin: {tool: one.as_dict() for tool, one in self.scores(origin=origin).items()}
                for origin in ("faults", "checks", "remedies")
            },
        }

    def table(self) -> str:
        """Returns the scores as markdown."""
        head = (
            "| tool | version | cause first | listed | symptom only | wrong | silent | failed "
            "| right line | false alarms | cures proved | CPU time | lines to change |"
        )
        rows = [head, "|" + "---|" * 13]
        for tool, own in self.scores().items():
            rows.append("| " + " | ".join(self.row(tool, own)) + " |")
        return "\n".join(rows)

    def row(self, tool: str, own: Score) -> list[str]:
        """Returns the cells of a tool's row."""
        counts = [str(own.outcomes[o]) for o in ("listed", "symptom", "wrong", "silent", "failed")]
        return [
            tool,
            self.versions[tool],
            f"{own.outcomes[FIRST]} of {own.sick}",
            *counts,
            f"{own.lines} of {own.with_line}",
            f"{own.alarmed} of {own.right}" if own.right else "not run",
            str(own.proved) if tool == "assay-fix" else "none",
            f"×{own.cost:.2f}" if own.cost else "",
            str(adapter(tool).changed_lines),
        ]
