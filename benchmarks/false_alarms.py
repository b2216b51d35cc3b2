"""How often do checks alarm on runs that are well?

Runs every script of `tests/healthy/` (other seeds, cut short, twice as long) and every `healthy.py`
and `fixed.py` of `tests/checks/` (whole and cut short), and counts warnings and errors. A run whose
script fails its own last line (it did not learn) is no healthy run: it is listed, not counted.

    python benchmarks/false_alarms.py --jobs 2 --markdown benchmarks/false_alarms.md

With `--keep FILE` an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from assay.checks.registry import CHECKS  # noqa: E402
from assay.diagnosis import diagnose  # noqa: E402
from assay.testing import WarmRunner  # noqa: E402

# variant -> (environment that the scripts read, settings of the watch)
VARIANTS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "as it is": ({}, {}),
    "seed 1": ({"SEED": "1"}, {}),
    "seed 2": ({"SEED": "2"}, {}),
    "30 steps": ({"SEED": "3"}, {"steps": 30}),
    "120 steps": ({"SEED": "4"}, {"steps": 120}),
    "twice as long": ({"LENGTH": "2"}, {}),
}
UNSEEDED = ("as it is", "30 steps", "120 steps")


@dataclass
class Result:
    """One run and what was said of it."""

    script: str
    variant: str
    learnt: bool
    trained: bool
    seconds: float
    alarms: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    partly: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


runner: WarmRunner
"""Of each worker; torch is imported once in it, not once a script."""


def begin() -> None:
    """Makes a worker: what its scripts print goes to nobody."""
    global runner
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(silence, descriptor)
    os.close(silence)
    os.environ["PYTHONPATH"] = str(ROOT / "src")
    runner = WarmRunner()  # ends with this process


def run(job: tuple[str, str]) -> Result:
    """Observes one script in one variant."""
    script, variant = job
    environment, settings = VARIANTS[variant]
    for name in ("SEED", "LENGTH"):
        os.environ.pop(name, None)
    os.environ.update(environment)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        observed = runner.observe([str(ROOT / script)], settings, run_dir=Path(scratch) / "run")
    diagnosis = diagnose(observed.view, CHECKS)
    return Result(
        script,
        variant,
        learnt=observed.outcome.exit_code == 0,
        trained=observed.view.observed,
        seconds=round(time.perf_counter() - start, 2),
        alarms=[
            {"check": f.check, "severity": f.severity, "tier": f.tier, "summary": f.summary}
            for f in diagnosis.findings
            if f.severity != "note"
        ],
        notes=[f"{f.check}: {f.summary}" for f in diagnosis.findings if f.severity == "note"],
        skipped=diagnosis.skipped,
        partly=list(diagnosis.partly),
        broken=observed.view.errors
        + [f"{k}: {v}" for k, v in diagnosis.skipped.items() if v.startswith("error in")],
    )


def jobs(only: str, variants: list[str]) -> list[tuple[str, str]]:
    """Every script in every variant that it can be run in."""
    zoo = sorted((ROOT / "tests" / "healthy").glob("*.py"))
    checks = ROOT / "tests" / "checks"
    triples = sorted([*checks.glob("*/healthy.py"), *checks.glob("*/fixed.py")])
    planned = [(s, v) for v in variants for s in zoo]
    planned += [(s, v) for v in variants if v in UNSEEDED for s in triples]
    named = [(str(s.relative_to(ROOT)), v) for s, v in planned]
    return [(s, v) for s, v in named if only in s]


def known(path: Path | None) -> dict[tuple[str, str], Result]:
    """What an earlier, interrupted run has found."""
    if path is None or not path.exists():
        return {}
    rows = [Result(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(row.script, row.variant): row for row in rows}


def keep(wanted: list[tuple[str, str]], at_a_time: int, path: Path | None) -> list[Result]:
    """Runs what is not done yet, and notes in a file what is."""
    done = known(path)
    results = [done[job] for job in wanted if job in done]
    left = [job for job in wanted if job not in done]
    with ProcessPoolExecutor(at_a_time, initializer=begin) as pool:
        for number, result in enumerate(pool.map(run, left), start=1):
            results.append(result)
            print(f"{number} of {len(left)}: {result.script}", file=sys.stderr, flush=True)
            if path:
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
    return results


def label(script: str) -> str:
    """A script's name: `gan` of the zoo, `dead_units/healthy` of a check."""
    path = Path(script)
    return path.stem if path.parent.name == "healthy" else f"{path.parent.name}/{path.stem}"


def summary(results: list[Result]) -> dict[str, Any]:
    """Alarms per 100 healthy runs, in all and per check."""
    well = [r for r in results if r.learnt and r.trained]
    per_check = Counter(check for r in well for check in {a["check"] for a in r.alarms})
    by_variant = {
        variant: {
            "runs": sum(r.variant == variant for r in well),
            "with_alarm": sum(r.variant == variant and bool(r.alarms) for r in well),
        }
        for variant in dict.fromkeys(r.variant for r in well)
    }
    alarmed = sum(bool(r.alarms) for r in well)
    return {
        "runs": len(well),
        "scripts": len({r.script for r in well}),
        "checks": len(CHECKS),
        "runs_with_alarm": alarmed,
        "alarmed_per_100": round(100 * alarmed / max(len(well), 1), 2),
        "per_check_per_100": {
            check.name: round(100 * per_check[check.name] / max(len(well), 1), 2)
            for check in CHECKS
        },
        "by_variant": by_variant,
        "judged": judged(well),
        "broken": sorted({line for r in results for line in r.broken}),
        "did_not_learn": [f"{r.script} ({r.variant})" for r in results if not r.learnt],
        "not_observed": [f"{r.script} ({r.variant})" for r in results if not r.trained],
    }


def judged(well: list[Result]) -> dict[str, dict[str, Any]]:
    """For each check on how many scripts it judged, as they are, and why not on the others."""
    whole = [r for r in well if r.variant == "as it is"]
    return {
        check.name: {
            "scripts": sum(check.name not in r.skipped for r in whole),
            "skipped": dict(
                Counter(r.skipped[check.name] for r in whole if check.name in r.skipped)
            ),
        }
        for check in CHECKS
    }


def markdown(total: dict[str, Any], results: list[Result], command: str) -> str:
    """The page that is kept beside this file."""
    lines = [
        "# False alarms",
        "",
        f"Measured {date.today().isoformat()} with `{command}`, CPU. Warnings and errors count,",
        "notes do not. A run that failed its own last assertion is listed and not counted.",
        "",
        f"**{total['runs_with_alarm']} of {total['runs']} healthy runs alarmed "
        f"({total['alarmed_per_100']} per 100)**: {total['scripts']} scripts, "
        f"{total['checks']} checks.",
        "",
        "| Variant | Healthy runs | With an alarm |",
        "|---|---|---|",
    ]
    lines += [f"| {v} | {n['runs']} | {n['with_alarm']} |" for v, n in total["by_variant"].items()]
    lines += [
        "",
        "A check that could not look raises no alarm. Of the scripts as they are each judged (why",
        "not the others stands in [coverage.md](coverage.md)):",
        "",
    ]
    lines += [
        "| Check | Alarmed runs per 100 | Scripts judged |",
        "|---|---|---|",
    ]
    for name, share in total["per_check_per_100"].items():
        lines += [f"| {name} | {share} | {total['judged'][name]['scripts']} |"]
    alarms = [(r, a) for r in results for a in r.alarms if r.learnt]
    if alarms:
        lines += ["", "Alarms:", ""]
        lines += [
            f"- `{r.script}` ({r.variant}): {a['severity']} {a['check']}: {a['summary']}"
            for r, a in alarms
        ]
    for key, title in (
        ("broken", "Errors of assay's own:"),
        ("did_not_learn", "Runs that did not learn:"),
        ("not_observed", "Runs in which no step was seen:"),
    ):
        if total[key]:
            lines += ["", title, "", *(f"- {line}" for line in total[key])]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Prints JSON; writes markdown where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--only", default="", help="part of the script's path")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--markdown", type=Path, help="also write this page")
    parser.add_argument("--keep", type=Path, help="a file of what is done; never run again")
    given = parser.parse_args()
    results = keep(jobs(given.only, given.variants), given.jobs, given.keep)
    total = summary(results)
    print(json.dumps({**total, "results": [asdict(r) for r in results]}, indent=1))
    if given.markdown:
        command = " ".join(["python", "benchmarks/false_alarms.py", *sys.argv[1:]])
        given.markdown.write_text(markdown(total, results, command), encoding="utf-8")


if __name__ == "__main__":
    main()
