"""How a change of the user's file is shown."""

from __future__ import annotations

from pathlib import Path

from assay.edits.patch import FileChange
from assay.report.verdicts import render_trial
from assay.trials.change import Change
from assay.trials.plan import candidate_of
from assay.trials.trial import Trial
from assay.trials.verdict import Verdict
from assay.tricks.reading import read_all

CURE = candidate_of(read_all(["zero-grad"]), ("zero-grad-missing",))
DIFF = "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,3 @@\n loss\n+\tzero\n-[red]x[/red]\n"


def page(change: Change, colour: str | None = None) -> str:
    trial = Trial("x", Path("trials/x"), ("train.py",), verdicts=[Verdict(CURE, "proved", "")])
    trial.change = change
    return render_trial(trial, colour=colour)


def checked(diff: str = DIFF, **facts: object) -> Change:
    file = FileChange(Path("train.py"), b"", b"x", diff)
    return Change(CURE, "checked", "it was run", (file,), True, 40, **facts)  # type: ignore[arg-type]


def test_a_checked_diff() -> None:
    text = page(checked(path=Path("trials/x/change.diff")))
    assert "  diff       ✓ checked: it was run, in 40 steps\n" in text
    # what looks like rich's markup is the user's own
    shown = "  --- a/train.py\n  +++ b/train.py\n  @@ -1,2 +1,3 @@\n   loss\n  +   zero\n  -[red]x"
    assert shown in text
    assert "  write it   --write puts it into your file" in text
    assert "  saved      trials/x/change.diff" in text
    assert "\x1b[32m+   zero\x1b[0m" in page(checked(), colour="standard")


def test_what_was_written() -> None:
    text = page(checked(written=(Path("train.py"),)))
    assert "  written    train.py\n" in text
    assert "write it" not in text


def test_a_long_diff_is_cut() -> None:
    text = page(checked("+line\n" * 75))
    assert text.count("+line") == 60
    assert "15 more lines" in text


def test_why_there_is_none() -> None:
    text = page(Change(CURE, "none", "it is an argument of your script: pass --lr 0.01"))
    assert "  diff       none: it is an argument of your script: pass --lr 0.01\n" in text
    assert "--write" not in text
