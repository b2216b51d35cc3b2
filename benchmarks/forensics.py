"""How often the operation, the line and the reason of what is not finite are named rightly.

    python benchmarks/forensics.py          writes forensics.md beside this file; a minute

Each script below tests/forensics breaks in one way and marks its guilty line. It is run once under
assay, which may trace the step itself, and once more, traced there, as `assay check --deep` does.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from assay.journal.events import NONFINITE_TRACED, NonfiniteTraced
from assay.signals.nonfinite.told import blamed, site, told
from assay.testing import WarmRunner
from assay.trials.child import Command
from assay.trials.retracing import AS_CHECKED, trace

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent / "tests" / "forensics"
HEAD = """# What broke, and was it named?

Written by `python benchmarks/forensics.py`. Each script breaks in one way. *Itself*: the run traced
its own step, from the recording of it (the first 32 iterations are recorded). *Second run*: the
script was run once more, traced at that step. Right means that the operation, the line *and* the
reason are the true ones. Not recorded: what broke was computed before the model was called, after
its backward pass, or in a backward pass of the user's own.

| Script | Operation | Itself | Second run | Its losses |
|---|---|---|---|---|
"""


class Row(NamedTuple):
    """What came of one script: True and False for right and wrong, None for not told."""

    name: str
    operation: str
    itself: bool | None
    second: bool | None
    same: bool


def expected(script: Path) -> tuple[int, str, str]:
    """Returns line, operation and a part of the reason, as the script marks them."""
    for number, line in enumerate(script.read_text(encoding="utf-8").splitlines(), 1):
        if "# expect: " in line:
            operation, _, reason = line.partition("# expect: ")[2].partition(" | ")
            return number, operation, reason
    raise SystemExit(f"{script} marks no line")


def is_right(data: NonfiniteTraced, script: Path) -> bool:
    """Whether operation, line and reason are those that the script marks."""
    line, operation, reason = expected(script)
    found = site(data)
    named = blamed(data) or data["phase"]
    return found is not None and (found.line, named) == (line, operation) and reason in told(data)


def measure(script: Path, warm: WarmRunner, folder: Path) -> Row:
    """Runs a script twice and compares what is named with what it marks."""
    view = warm.observe([str(script)], run_dir=folder).view
    own = list(view.events(NONFINITE_TRACED))
    view.all_events[:] = [event for event in view.all_events if event not in own]
    command = Command((str(script),), sys.executable, spawn=warm.spawn)
    trace(view, command, folder, lambda child: None, AS_CHECKED)
    second = next(view.events(NONFINITE_TRACED), None)
    broken = None if second is None else second.data["at"]
    itself = next((event.data for event in own if event.data["at"] == broken), None)
    return Row(
        script.stem,
        expected(script)[1],
        None if itself is None else is_right(itself, script),
        None if second is None else is_right(second.data, script),
        second is not None and second.data.get("differs_from") is None,
    )


def main() -> None:
    """Runs all and writes the table."""
    scripts = sorted(SCRIPTS.glob("*/*.py"))
    with tempfile.TemporaryDirectory() as folder, WarmRunner() as warm:
        rows = [measure(script, warm, Path(folder) / script.stem) for script in scripts]
    said = {True: "right", False: "**wrong**", None: "not recorded"}
    lines = [
        f"| {row.name.replace('_', ' ')} | {row.operation} | {said[row.itself]} | "
        f"{'nothing met' if row.second is None else said[row.second]} | "
        f"{'the same' if row.same else 'others'} |"
        for row in rows
    ]
    right = sum(row.second is True for row in rows)
    itself = sum(row.itself is True for row in rows)
    wrong = sum(row.itself is False for row in rows) + sum(row.second is False for row in rows)
    total = (
        f"\n{len(rows)} scripts: the second run was right in {right}, the run itself in {itself}; "
        f"{wrong} were named wrongly.\n"
    )
    (HERE / "forensics.md").write_text(HEAD + "\n".join(lines) + "\n" + total, encoding="utf-8")
    print(total.strip())


if __name__ == "__main__":
    main()
