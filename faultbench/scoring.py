"""Scores what tools said against the answers, by the same rules for every tool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from .adapters.base import Said
from .catalogue import Answer

FIRST, LISTED, SYMPTOM, WRONG, SILENT, FAILED = (
    "first", "listed", "symptom", "wrong", "silent", "failed"
)  # fmt: skip
OUTCOMES = (FIRST, LISTED, SYMPTOM, WRONG, SILENT, FAILED)


def judge(said: Sequence[Said], answer: Answer) -> str:
    """Returns what a tool's statements about a faulty script are worth.

    `first`: the first statement points to the root cause (of two faults, to either); `listed`: a
    later one does; `symptom`: none, but one states what is to be seen; `wrong`: it warned of something
    else only; `silent`: it warned of nothing.

    Args:
        said: The statements, the most important first.
        answer: The case's answer.
    """
    right = answer.accepted.union(*(other.accepted for other in answer.also))
    if said and said[0].faults & right:
        return FIRST
    if any(one.faults & right for one in said):
        return LISTED
    alarms = [one for one in said if one.alarms]
    if any(one.faults & answer.symptoms for one in alarms):
        return SYMPTOM
    return WRONG if alarms else SILENT


def right_line(said: Sequence[Said], answer: Answer) -> bool | None:
    """Returns whether any statement names a guilty line; None where the case has none."""
    lines = set(answer.lines).union(*(other.lines for other in answer.also))
    return any(one.line in lines for one in said) if lines else None


def alarms(said: Sequence[Said]) -> int:
    """Returns how many false alarms statements about a right script are: warnings and errors."""
    return sum(one.alarms for one in said)


@dataclass
class Score:
    """A tool's row.

    Attributes:
        outcomes: How many faulty scripts ended how; `failed` where the tool itself did, or ran out
            of time.
        lines: How many of `with_line` scripts it named a guilty line of.
        alarmed: How many of `right` scripts (mended and right look-alikes) it raised an alarm on.
        proved: How many faulty scripts it proved a cure for.
        apart: Scripts that it can't be asked about.
        costs: CPU time of each run over that of the script alone.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    with_line: int = 0
    right: int = 0
    alarmed: int = 0
    proved: int = 0
    apart: int = 0
    costs: list[float] = field(default_factory=list)

    @property
    def sick(self) -> int:
        """How many faulty scripts were judged."""
        return sum(self.outcomes.values())

    @property
    def cost(self) -> float | None:
        """The median cost; None where nothing was measured."""
        return median(self.costs) if self.costs else None

    def as_dict(self) -> dict[str, Any]:
        """Returns what the results file holds."""
        return {
            "sick": self.sick,
            **{outcome: self.outcomes[outcome] for outcome in OUTCOMES},
            "lines": self.lines,
            "with_line": self.with_line,
            "right": self.right,
            "alarmed": self.alarmed,
            "proved": self.proved,
            "apart": self.apart,
            "cost": self.cost,
        }


def score(
    results: Sequence[Mapping[str, Any]],
    said: Mapping[tuple[str, str, str], Sequence[Said]],
    answers: Mapping[str, Answer],
) -> dict[str, Score]:
    """Returns each tool's score.

    Args:
        results: Lines of the runner.
        said: What was said in each cell (tool, case, variant).
        answers: By case.
    """
    alone = {(r["case"], r["variant"]): r["cpu"] for r in results if r["tool"] == "plain"}
    scores: dict[str, Score] = {}
    for result in results:
        tool, case, variant = result["tool"], result["case"], result["variant"]
        if tool == "plain":
            continue
        own = scores.setdefault(tool, Score())
        if result.get("applies") is False:
            own.apart += 1
            continue
        words = said[tool, case, variant]
        if variant == "sick":
            failed = not words and (result["trouble"] or result["overran"])
            own.outcomes[FAILED if failed else judge(words, answers[case])] += 1
            named = right_line(words, answers[case])
            own.with_line += named is not None
            own.lines += bool(named)
            own.proved += any(one.proved for one in words)
        else:
            own.right += 1
            own.alarmed += alarms(words) > 0
        if (alone_s := alone.get((case, variant))) and not result["overran"]:
            own.costs.append(result["cpu"] / alone_s)
    return scores
