"""Writes shown.json: what the diagnosis of each sick script says explains what.

    PYTHONPATH=src python tests/diagnosis/record.py           run all scripts, write the record
    PYTHONPATH=src python tests/diagnosis/record.py NAME ...  only those whose path has such a word

The scripts: the sick one of each check, those of benchmarks/remedies, and those of `chains/` beside
this file, each of which begins with the name of the check whose fault it has. The record is what
`test_shown.py` holds the checks' `leads_to` against.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from assay.diagnosis import Diagnosis
from assay.testing import WarmRunner
from assay.testing.scripts import check_script

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RECORD = HERE / "shown.json"
CHAINS = sorted(path for path in (HERE / "chains").glob("*.py") if path.stem != "clusters")

Shown = dict[str, list[str]]
"""By check that found something: the checks that explain it; empty for a cause."""


def scripts() -> list[Path]:
    """Returns all scripts that are recorded."""
    sick = sorted((ROOT / "tests" / "checks").glob("*/sick.py"))
    return [*sick, *sorted((ROOT / "benchmarks" / "remedies").glob("*/sick.py")), *CHAINS]


def name(script: Path) -> str:
    """Returns how a script is called in the record."""
    return script.relative_to(ROOT).as_posix()


def shown(diagnosis: Diagnosis) -> Shown:
    """Returns what is recorded of a diagnosis; notes that nothing explains are left out."""
    return {
        finding.check: list(finding.explained_by)
        for finding in diagnosis.findings
        if finding.severity != "note" or finding.explained_by
    }


def main() -> None:
    """Runs scripts and writes the record."""
    record: dict[str, Shown] = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    known = {name(script) for script in scripts()}
    record = {key: value for key, value in record.items() if key in known}
    words = sys.argv[1:]
    with WarmRunner() as runner:
        for script in scripts():
            if not words or any(word in name(script) for word in words):
                _, diagnosis = check_script(script, observe=runner.observe)
                record[name(script)] = shown(diagnosis)
                print(name(script), record[name(script)], file=sys.stderr)
    RECORD.write_text(json.dumps(dict(sorted(record.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
