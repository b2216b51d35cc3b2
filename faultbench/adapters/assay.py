"""assay check, of this repository: the script is run unmodified."""

from __future__ import annotations

import json
from pathlib import Path

from .base import Adapter, Said


class Assay(Adapter):
    """`assay check SCRIPT`; its names of checks are the vocabulary of faults."""

    name = "assay"
    licence = "Apache-2.0"
    changed_lines = 0
    setup = "`assay check SCRIPT`, all options as they are"
    ranked = True

    def applies(self, source: str) -> str:
        """Returns nothing: processes that a script starts are watched too."""
        return ""

    def command(self, python: str, script: Path, out: Path) -> list[str]:
        """Returns the command, its records beside its output."""
        report = ["--json", str(out / "report.json"), "--run-dir", str(out / "runs")]
        return [python, "-m", "assay", "check", *report, str(script)]

    def trouble(self, out: Path) -> str:
        """Returns why the run was not observed."""
        if not (out / "report.json").exists():
            return "left no report"
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        return "" if report["observed"] else str(report.get("not_observed", "not observed"))

    def read(self, out: Path) -> list[Said]:
        """Returns the findings in the report's order."""
        path = out / "report.json"
        if not path.exists():
            return []
        return [
            Said(
                found["severity"],
                f"{found['check']}: {found['summary']}",
                found["where"].get("line"),
                frozenset({found["check"]}),
            )
            for found in json.loads(path.read_text(encoding="utf-8"))["findings"]
        ]
