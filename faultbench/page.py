"""The table in the docs and the page: every cell leads to the tool's own output."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path
from typing import Any

import jinja2

from .adapters.base import Said
from .catalogue import HERE, ROOT
from .overhead import WORKLOADS
from .results import Results
from .running import PLAIN, adapter
from .scoring import FAILED, FIRST, Score, alarms, judge, right_line

DOCS = ROOT / "docs" / "faultbench"
SHOWN = 3000
"""Characters of an output that the page shows."""
STATEMENTS = 12
APART = re.compile(r"(/[\w.+@-]+)+/(?=site-packages/|script\.py|known_good\.py|lib/python)")
MACHINE = re.compile(r"(?<![\w.:/])/(?:[\w.+@-]+/)+[\w.+@-]*")
COLOUR = re.compile(r"\x1b\[[\d;]*[A-Za-z]")
HARD = ("assay", "assay-fix")


def write(results: Results) -> None:
    """Writes docs/faultbench: `index.md`, `page.html`, and the numbers as JSON."""
    DOCS.mkdir(parents=True, exist_ok=True)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    known = view(results)
    data = json.dumps(known["cells"]).replace("<", "\\u003c")
    html = environment.get_template("page.html.j2").render(**known, data=data)
    (DOCS / "page.html").write_text(html, encoding="utf-8")
    environment.autoescape = False
    text = environment.get_template("page.md.j2").render(**known)
    (DOCS / "index.md").write_text(text, encoding="utf-8")
    numbers = json.dumps(results.summary() | {"overhead": known["overhead"]}, indent=1)
    (DOCS / "results.json").write_text(numbers + "\n", encoding="utf-8")


def view(results: Results) -> dict[str, Any]:
    """Returns everything that the templates show."""
    scores = results.scores()
    path = results.work / "overhead.json"
    overhead = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    tools = [
        {
            "name": tool,
            "version": results.versions[tool],
            "adapter": adapter(tool),
            "score": own,
            "cells": measures(tool, own, overhead),
            "failures": failures(results, tool),
        }
        for tool, own in scores.items()
    ]
    names = sorted(results.cases, key=lambda name: (results.cases[name].origin, name))
    return {
        "date": results.date,
        "python": platform.python_version(),
        "tools": tools,
        "head": list(tools[0]["cells"]) if tools else [],
        "ahead": ahead(results.scores(common=True), overhead),
        "common": len(results.common),
        "halves": halves(results),
        "overhead": overhead,
        "workloads": WORKLOADS,
        "cases": [case_row(results, name, list(scores)) for name in names],
        "cells": cells(results),
        "everything": len(results.every),
    }


def measures(tool: str, own: Score, overhead: dict[str, Any]) -> dict[str, str]:
    """Returns a tool's row of the table, by column."""
    return {
        "cause first": share(own.outcomes[FIRST], own.sick),
        "listed": str(own.outcomes["listed"]),
        "symptom only": str(own.outcomes["symptom"]),
        "wrong": str(own.outcomes["wrong"]),
        "silent": str(own.outcomes["silent"]),
        "failed": str(own.outcomes[FAILED]),
        "right line": share(own.lines, own.with_line),
        "false alarms": share(own.alarmed, own.right),
        "cures proved": share(own.proved, own.sick) if tool == "assay-fix" else "—",
        "CPU time": f"× {own.cost:.2f}" if own.cost else "—",
        **{f"step, {w}": step_cost(overhead, tool, w) for w in WORKLOADS},
        "lines to change": str(adapter(tool).changed_lines),
    }


def share(part: int, of: int) -> str:
    """Returns `3 of 4`; a dash of nothing."""
    return f"{part} of {of}" if of else "—"


def step_cost(overhead: dict[str, Any], tool: str, workload: str) -> str:
    """Returns what a tool costs a step."""
    known = overhead.get(tool, {}).get(workload, {})
    if "cost" in known:
        return f"× {known['cost']:.2f}"
    return "failed" if known else "—"


def ahead(scores: dict[str, Score], overhead: dict[str, Any]) -> list[dict[str, str]]:
    """Returns, for each measure, what assay has, the best other tool, and which is ahead.

    In cost only those take part that named at least one cause.

    Args:
        scores: Of the cases that all tools were asked about.
        overhead: What `measure` returned.
    """
    if "assay" not in scores:
        return []
    own = scores["assay"]
    others = {t: s for t, s in scores.items() if t not in HARD and s.sick == own.sick}
    naming = {t: s for t, s in others.items() if s.outcomes[FIRST] + s.outcomes["listed"]}

    def first(one: Score) -> float:
        return one.outcomes[FIRST] / one.sick if one.sick else 0.0

    def named(one: Score) -> float:
        return (one.outcomes[FIRST] + one.outcomes["listed"]) / one.sick if one.sick else 0.0

    def line(one: Score) -> float:
        return one.lines / one.with_line if one.with_line else 0.0

    def quiet(one: Score) -> float:
        return 1 - one.alarmed / one.right if one.right else 0.0

    rows = []
    for title, of, among in (
        ("root cause first", first, others),
        ("root cause named at all", named, others),
        ("right line", line, others),
        ("no alarm on right scripts, of all tools", quiet, others),
        ("no alarm on right scripts, of those that named a cause", quiet, naming),
    ):
        rows.append(compared(title, of(own), {t: of(s) for t, s in among.items()}, "{:.0%}"))
    cheap = {t: -(s.cost or 99.0) for t, s in naming.items()}
    rows.append(compared("CPU time of the whole run", -(own.cost or 99.0), cheap, "× {:.2f}"))
    for workload in WORKLOADS:
        costs = {t: overhead.get(t, {}).get(workload, {}).get("cost") for t in naming}
        mine = overhead.get("assay", {}).get(workload, {}).get("cost")
        known = {t: -cost for t, cost in costs.items() if cost}
        if mine and known:
            rows.append(compared(f"a step of the {workload}", -mine, known, "× {:.2f}"))
    lines = {t: -float(adapter(t).changed_lines) for t in naming}
    rows.append(compared("lines to change", 0.0, lines, "{:.0f}"))
    return rows


def compared(title: str, own: float, others: dict[str, float], form: str) -> dict[str, str]:
    """Returns a row of who is ahead; larger is better, costs come with their sign turned."""
    if not others:
        return {"title": title, "own": form.format(abs(own)), "best": "—", "ahead": "—"}
    best = max(others.values())
    names = [tool for tool, value in others.items() if value == best]
    leads = "assay" if own > best else "equal" if own == best else " and ".join(names[:3])
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return {
        "title": title,
        "own": form.format(abs(own)),
        "best": f"{form.format(abs(best))} ({shown})",
        "ahead": leads,
    }


def halves(results: Results) -> list[dict[str, Any]]:
    """Returns assay's score by half and by origin."""
    rows = []
    for title, half, origin in (
        ("public half", "public", ""),
        ("sealed half", "sealed", ""),
        ("the newest scripts, after public reports (`faultbench/faults`)", "", "faults"),
        ("its public half", "public", "faults"),
        ("its sealed half", "sealed", "faults"),
        ("scripts of assay's checks", "", "checks"),
        ("scripts of `benchmarks/remedies`", "", "remedies"),
    ):
        own = results.scores(half, origin).get("assay")
        if own and own.sick:
            rows.append({"title": title, **measures("assay", own, {})})
    return rows


def failures(results: Results, tool: str) -> str:
    """Returns why a tool failed, the reasons with how often each; empty if it never did."""
    reasons: dict[str, int] = {}
    for r in results.lines:
        if r["tool"] == tool and r.get("trouble") and r.get("applies") is not False:
            last = clean(str(r["trouble"]).strip().splitlines()[-1])[:160]
            reasons[last] = reasons.get(last, 0) + 1
    return "; ".join(f"{why} ({count})" for why, count in sorted(reasons.items())[:4])


def case_row(results: Results, name: str, tools: list[str]) -> dict[str, Any]:
    """Returns the row of a case: a mark for each tool."""
    case, answer = results.cases[name], results.answers[name]
    marks = []
    for tool in tools:
        line = results.known.get((tool, name, "sick"))
        words = results.said.get((tool, name, "sick"), [])
        false = sum(alarms(results.said.get((tool, name, v), [])) > 0 for v in ("fixed", "healthy"))
        if line is None:
            outcome = ""
        elif line.get("applies") is False:
            outcome = "apart"
        elif not words and (line["trouble"] or line["overran"]):
            outcome = FAILED
        else:
            outcome = judge(words, answer)
        hit = bool(right_line(words, answer))
        marks.append({"tool": tool, "outcome": outcome, "line": hit, "false": false})
    fault = " and ".join([answer.fault, *(other.fault for other in answer.also)])
    source = answer.facts.get("source", "")
    if case.origin == "faults" and case.half == "sealed":
        fault, source = "sealed", ""
    return {"name": name, "half": case.half, "fault": fault, "source": source, "marks": marks}


def cells(results: Results) -> dict[str, Any]:
    """Returns what each cell leads to: by `tool|case`, one part for each variant."""
    known: dict[str, Any] = {}
    for r in results.lines:
        if r["tool"] == PLAIN:
            continue
        key = r["tool"], r["case"], r["variant"]
        folder = results.folder(*key)
        known.setdefault(f"{r['tool']}|{r['case']}", {})[r["variant"]] = {
            "said": [statement(one) for one in results.said[key][:STATEMENTS]],
            "more": max(0, len(results.said[key]) - STATEMENTS),
            "seconds": r.get("seconds"),
            "trouble": clean(r.get("trouble", ""))[-600:],
            "output": output(folder),
        }
    return known


def statement(one: Said) -> list[Any]:
    """Returns a statement as the page has it."""
    return [one.severity, clean(one.text)[:400], one.line, sorted(one.faults)]


def output(folder: Path) -> str:
    """Returns the end of what was printed, standard error last."""
    parts = []
    for name in ("stdout.txt", "stderr.txt"):
        path = folder / name
        if path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            text = "\n".join(line.rsplit("\r", 1)[-1] for line in text.splitlines())
            parts.append(clean(text).strip()[-SHOWN if name == "stdout.txt" else -600 :])
    return "\n".join(part for part in parts if part)


def clean(text: str) -> str:
    """Returns a text without colours and without the folders of one machine."""
    return MACHINE.sub("…", APART.sub("…/", COLOUR.sub("", text)))
