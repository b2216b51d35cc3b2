"""Which checks could judge the healthy scripts, which could not, and why?

Silence says something only where a check has looked. Runs every script of `tests/healthy/` and
every `healthy.py` and `fixed.py` of `tests/checks/` as it is, and lists for each check how many of
them it judged, and the others by what they lacked.

    python benchmarks/coverage.py --jobs 2 --markdown benchmarks/coverage.md

With `--keep FILE` an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from false_alarms import CHECKS, Result, jobs, keep, label

NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*(?:e[+-]?\d+)?\b|\([\w./]+\.py:\d+\)")
AT_MOST = 12
"""So many scripts of one reason are named."""


def reasons(results: Iterable[Result], check: str) -> dict[str, list[str]]:
    """Returns what the scripts that a check could not judge lacked, the commonest first.

    Figures and lines differ from script to script and are left out: `… of the … steps`.
    """
    found: dict[str, list[str]] = {}
    for result in results:
        if check in result.skipped:
            why = NUMBER.sub("…", result.skipped[check])
            found.setdefault(why, []).append(label(result.script))
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def summary(results: list[Result]) -> dict[str, dict[str, object]]:
    """Returns for each check how many scripts it judged, and why it did not judge the others."""
    return {
        check.name: {
            "judged": sum(check.name not in r.skipped for r in results),
            "partly": sorted(label(r.script) for r in results if check.name in r.partly),
            "could_not": reasons(results, check.name),
        }
        for check in CHECKS
    }


def markdown(results: list[Result], command: str) -> str:
    """The page that is kept beside this file."""
    known = summary(results)
    lines = [
        "# What checks could judge",
        "",
        f"Measured {date.today().isoformat()} with `{command}`:",
        f"{len(results)} healthy scripts as they are, each under all checks. A check that could",
        "not judge a script says what it lacked; figures are left out here (…), so that the same",
        "reason is counted once.",
        "",
        "| Check | Could judge | Could not |",
        "|---|---|---|",
    ]
    for name, found in known.items():
        partly = f", {len(found['partly'])} of them in part" if found["partly"] else ""
        lines.append(f"| [{name}](#{name}) | {found['judged']}{partly} | "
                     f"{len(results) - found['judged']} |")  # fmt: skip
    for name, found in known.items():
        lines += ["", f"## {name}", ""]
        lines.append(f"Could judge {found['judged']} of {len(results)}.")
        if found["partly"]:
            lines += ["", f"Not in every training: {_named(found['partly'])}."]
        if found["could_not"]:
            lines += ["", "Could not:", ""]
        for why, scripts in found["could_not"].items():
            lines.append(f"- {len(scripts)}: {why} ({_named(scripts)})")
    return "\n".join(lines) + "\n"


def _named(scripts: list[str]) -> str:
    rest = len(scripts) - AT_MOST
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(f"`{script}`" for script in sorted(scripts)[:AT_MOST]) + more


def main() -> None:
    """Prints JSON; writes markdown where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--only", default="", help="part of the script's path")
    parser.add_argument("--markdown", type=Path, help="also write this page")
    parser.add_argument("--keep", type=Path, help="a file of what is done; never run again")
    given = parser.parse_args()
    results = keep(jobs(given.only, ["as it is"]), given.jobs, given.keep)
    results = [r for r in results if r.trained and not r.broken]
    print(json.dumps(summary(results), indent=1))
    if given.markdown:
        command = " ".join(["python", "benchmarks/coverage.py", *sys.argv[1:]])
        given.markdown.write_text(markdown(results, command), encoding="utf-8")


if __name__ == "__main__":
    main()
