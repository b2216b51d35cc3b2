"""The terminal report against gold files. `UPDATE_GOLD=1 pytest tests/report` writes them anew."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.report import Report
from assay.report.glyphs import ASCII
from assay.report.terminal import render, show

GOLD = Path(__file__).parent / "gold"
Make = Callable[[str], Report]


def test_gold(case: str, report: Report) -> None:
    text = render(report, width=100)
    gold = GOLD / f"{case}.txt"
    if os.environ.get("UPDATE_GOLD"):
        gold.write_text(text, encoding="utf-8")
    assert text == gold.read_text(encoding="utf-8")


def test_no_gold_file_is_left_over(request: pytest.FixtureRequest) -> None:
    from_cases = {
        item.callspec.params["case"]
        for item in request.session.items
        if getattr(item, "callspec", None) and item.originalname == "test_gold"  # type: ignore[attr-defined]
    }
    if len(from_cases) > 10:  # all were collected, not a few by name
        assert {path.stem for path in GOLD.glob("*.txt")} == from_cases


def test_every_line_fits(case: str, report: Report) -> None:
    from rich.cells import cell_len

    for width in (60, 100):
        assert max(cell_len(line) for line in render(report, width=width).splitlines()) <= width


def test_the_common_case_fits_on_a_screen(make_case: Make) -> None:
    assert len(render(make_case("cause-with-symptoms")).splitlines()) <= 30


def test_healthy_and_not_looked_at_never_look_alike(case: str, report: Report) -> None:
    text = render(report)
    well = "nothing wrong found" in text
    assert well == (report.observed and not report.findings and report.view.steps >= 50
                    and bool(report.diagnosis.silent))  # fmt: skip
    assert ("not observed" in text) == (not report.observed)
    assert report.observed or not report.diagnosis.silent


def test_quiet_prints_findings_and_nothing_else(case: str, report: Report) -> None:
    text = render(report, quiet=True)
    if report.observed and not report.findings:
        assert text == ""
    for finding in report.findings:
        assert finding.check in text
    assert "record:" not in text
    assert ("not observed" in text) == (not report.observed)


def test_colour_changes_no_character(case: str, report: Report) -> None:
    import re

    coloured = re.sub(r"\x1b\[[0-9;]*m", "", render(report, colour="truecolor"))
    plain = "\n".join(line.rstrip() for line in coloured.split("\n"))
    assert plain == render(report)


def test_ascii_only_where_the_terminal_can_do_no_more(make_case: Make) -> None:
    render(make_case("cause-with-symptoms"), glyphs=ASCII).encode("ascii")
    raw = io.BytesIO()
    latin = io.TextIOWrapper(raw, encoding="latin-1")
    show(make_case("strange-text"), latin)
    assert "[red]x[/] is :smile:" in raw.getvalue().decode("latin-1")


def test_no_control_character_reaches_the_terminal(make_case: Make) -> None:
    text = render(make_case("strange-text"))
    assert "\x1b" not in text
    assert "\\x1b[31mred" in text


def test_no_colour_in_a_pipe(make_case: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    file = io.StringIO()
    show(make_case("cause-with-symptoms"), file)
    assert "\x1b" not in file.getvalue()


def test_no_color_is_honoured(make_case: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with_colour, without = Terminal(), Terminal()
    show(make_case("warning"), with_colour)
    monkeypatch.setenv("NO_COLOR", "1")
    show(make_case("warning"), without)
    assert "\x1b[1;33m" in with_colour.getvalue()
    assert "\x1b" not in without.getvalue()


def test_a_file_changed_since_the_run_is_not_quoted(make_case: Make, tmp_path: Path) -> None:
    report = make_case("cause-with-symptoms")
    assert "❯ 8 │     return" in render(report)
    report.view.facts["started"] = "2001-01-01T00:00:00+00:00"
    text = render(report)
    assert "changed since the run" in text
    assert "❯" not in text
