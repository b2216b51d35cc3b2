"""Every script under every check: a sick one is named and located, a right one is left alone.

`tests/checks/<name>/` holds `sick.py` (one fault), `healthy.py` (a look-alike that is right) and
`fixed.py` (the smallest mend); `tests/healthy/` holds unusual but right practice. A sick script
marks its faulty line with `# expect: check-name`, or with `# expect: check-name anywhere` where no
single line is at fault.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assay.checks.registry import CHECKS, by_name
from assay.diagnosis import Diagnosis
from assay.testing import WarmRunner
from assay.testing.scripts import check_script

HERE = Path(__file__).resolve().parent
SICK = sorted(HERE.glob("*/sick.py"))
RIGHT = sorted([*HERE.glob("*/healthy.py"), *HERE.glob("*/fixed.py")])
ZOO = sorted((HERE.parent / "healthy").glob("*.py"))
ONE_A_FAMILY = [
    HERE / check.name.replace("-", "_") / "sick.py"
    for check in {check.family: check for check in reversed(CHECKS)}.values()
]
EXPECT = re.compile(r"# expect: ([a-z0-9-]+)( anywhere)?\s*$")

pytestmark = pytest.mark.timeout(400)


def label(script: Path) -> str:
    return f"{script.parent.name}/{script.stem}"


def expected(script: Path) -> tuple[str, int | None]:
    """The check that a sick script is made for, and the line it must name (None: any)."""
    marks = [
        (number, mark)
        for number, line in enumerate(script.read_text(encoding="utf-8").splitlines(), 1)
        if (mark := EXPECT.search(line))
    ]
    assert len(marks) == 1, f"{label(script)} has {len(marks)} lines marked '# expect: ...'"
    number, mark = marks[0]
    return mark[1], None if mark[2] else number


def told(diagnosis: Diagnosis) -> str:
    return "\n".join(
        f"  {f.severity} {f.check} ({f.role}) at {f.where or 'no place'}: {f.summary}"
        for f in diagnosis.findings
    )


def broken(diagnosis: Diagnosis) -> dict[str, str]:
    return {name: why for name, why in diagnosis.skipped.items() if why.startswith("error in")}


@pytest.mark.parametrize("script", SICK, ids=label)
def test_sick(script: Path, warm: WarmRunner) -> None:
    name, line = expected(script)
    assert name == script.parent.name.replace("_", "-")
    assert by_name(name) is not None, f"{name} is not registered"
    _, diagnosis = check_script(script, observe=warm.observe)
    assert not broken(diagnosis)
    assert diagnosis.findings, f"silent; skipped: {diagnosis.skipped}"
    first = diagnosis.findings[0]
    assert first.check == name, f"another finding came first:\n{told(diagnosis)}"
    assert first.severity != "note" or by_name(name).severity == "note"
    site = first.where.site
    if line is not None and site is not None and Path(site.file) == script:
        assert site.line == line, f"named line {site.line}, the fault is in line {line}"


@pytest.mark.parametrize("script", [*RIGHT, *ZOO], ids=label)
def test_right(script: Path, warm: WarmRunner) -> None:
    _, diagnosis = check_script(script, observe=warm.observe)
    assert not broken(diagnosis)
    alarms = [f for f in diagnosis.findings if f.severity != "note"]
    assert not alarms, f"false alarms:\n{told(diagnosis)}"


def judged(diagnosis: Diagnosis) -> list[object]:
    """What does not depend on when a sample was taken."""
    found = [(f.check, f.severity, f.role, f.where.site) for f in diagnosis.findings]
    return [found, sorted(diagnosis.silent), diagnosis.skipped]


@pytest.mark.parametrize("script", ONE_A_FAMILY, ids=label)
def test_the_launcher_says_the_same(script: Path, warm: WarmRunner) -> None:
    """What is run in a fork of a warm process is judged like what `assay check` starts."""
    _, diagnosis = check_script(script)
    assert diagnosis.findings[0].check == expected(script)[0]
    assert judged(diagnosis) == judged(check_script(script, observe=warm.observe)[1])


def test_the_scripts_are_there() -> None:
    """Globs that match nothing would make this file pass in silence."""
    assert len(SICK) == len(CHECKS)
    assert len(RIGHT) == 2 * len(CHECKS)
    assert len(ZOO) >= 16


def test_marks_are_read(tmp_path: Path) -> None:
    script = tmp_path / "sick.py"
    script.write_text("x = 1\ny = 2  # expect: loss-detached\n")
    assert expected(script) == ("loss-detached", 2)
    script.write_text("x = 1  # expect: loss-detached anywhere\n")
    assert expected(script) == ("loss-detached", None)
    for text in ("x = 1\n", "x = 1  # expect: a\nx = 2  # expect: b\n"):
        script.write_text(text)
        with pytest.raises(AssertionError, match="lines marked"):
            expected(script)
