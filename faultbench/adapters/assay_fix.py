"""assay fix, of this repository: the diagnosis, and remedies proved on paired seeds."""

from __future__ import annotations

import json
from pathlib import Path

from .assay import Assay
from .base import Said

MINUTES = 3


class AssayFix(Assay):
    """`assay fix SCRIPT`: what stands first is what the experiment leaves first."""

    name = "assay-fix"
    setup = f"`assay fix --minutes {MINUTES} SCRIPT`; the line changed is the proved diff"
    limit_s = 60.0 * (MINUTES + 3)

    def command(self, python: str, script: Path, out: Path) -> list[str]:
        """Returns the command; its trials are kept beside its output."""
        report = ["--json", str(out / "report.json"), "--minutes", str(MINUTES)]
        return [python, "-m", "assay", "fix", *report, str(script)]

    def trouble(self, out: Path) -> str:
        """Returns why nothing was tried."""
        return "" if (out / "report.json").exists() else "left no report"

    def read(self, out: Path) -> list[Said]:
        """Returns the findings, then the proved remedies."""
        said = super().read(out)
        path = out / "report.json"
        if not path.exists():
            return said
        verdicts = json.loads(path.read_text(encoding="utf-8"))["verdicts"]
        proved = [
            Said("note", f"proved: {verdict['candidate']}: {verdict['why']}", proved=True)
            for verdict in verdicts
            if verdict["verdict"] == "proved"
        ]
        return said + proved
