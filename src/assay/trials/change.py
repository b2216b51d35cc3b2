"""A proved remedy as a change of the user's own files, believed only once it has been run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..edits.catalogue import changes
from ..edits.patch import FileChange
from ..edits.reason import NotMechanicalError
from ..edits.script import Script
from ..journal.reader import read_run
from ..journal.view import RunView
from ..launch.errors import LaunchError
from .metric import main_training
from .plan import CONTROL, Candidate, Job
from .result import Result, content_hash
from .runner import Runner
from .verdict import Verdict

CLOSE = 1e-4
"""Losses that differ by no more than this share of their size are the same but for rounding, where
an edit adds or multiplies in another order than the trick."""

THE_DIFF = Candidate("the diff")


@dataclass(frozen=True, slots=True)
class Change:
    """What to change in the user's files, or why that can't be shown.

    Attributes:
        candidate: Whose tricks it writes down.
        state: `checked`: a run of the patched files gave the losses that the tricks gave; `none`:
            no diff is shown.
        why: One clause: how it was checked, or why there is none.
        files: The files before and after; empty unless checked.
        exact: Checked to the last bit.
        steps: Of how many steps the losses were compared.
        path: Where the diff is saved.
        written: Files that were written, if the user asked for it.
    """

    candidate: Candidate
    state: Literal["checked", "none"]
    why: str
    files: tuple[FileChange, ...] = ()
    exact: bool = False
    steps: int = 0
    path: Path | None = None
    written: tuple[Path, ...] = ()

    @property
    def diff(self) -> str:
        """All files' unified diffs."""
        return "".join(file.diff for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        """Returns what a report of schema 1 holds."""
        return {
            "for": self.candidate.name,
            "state": self.state,
            "why": self.why,
            "diff": self.diff or None,
            "exact": self.exact,
            "steps": self.steps,
            "saved": None if self.path is None else str(self.path),
            "written": [str(path) for path in self.written],
        }


def find_change(
    runner: Runner, verdict: Verdict, control: Mapping[int, Result], steps: int | None
) -> Change:
    """Writes the tricks of a proved candidate into the user's source, and runs it.

    Args:
        runner: Of the trial, for one more run or a few.
        verdict: Of the candidate.
        control: The control's runs by seed.
        steps: That each run was given; None for the whole script.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    candidate = verdict.candidate
    seed = min(verdict.seeds)
    try:
        treated = _view(runner, Job(candidate, seed, steps))
        plain = _view(runner, Job(CONTROL, seed, steps), "caller")
        sources = control[seed].sources
        for file, known in sources.items():
            if content_hash(file) != known:
                raise NotMechanicalError(f"{Path(file).name} has changed since the run")
        script = Script(plain, sources, steps or control[seed].steps)
        ways = changes(script, candidate.tricks)
        return _checked(runner, candidate, seed, steps, treated, ways)
    except (NotMechanicalError, LaunchError) as error:
        return Change(candidate, "none", str(error))


def _checked(
    runner: Runner, candidate: Candidate, seed: int, steps: int | None, treated: RunView, ways: Any
) -> Change:
    why = ""
    for files in ways:
        if runner.late():
            return Change(candidate, "none", "there was no time left to check an edit by a run")
        job = Job(replace(THE_DIFF, given=candidate.given), seed, steps, _patience(runner))
        result, view = runner.run_patched(job, {file.path: file.after for file in files})
        if result is None or view is None:
            return Change(candidate, "none", "there was no time left to check an edit by a run")
        if result.state != "done":
            why = f"an edit was tried, and its run did not end well: {result.why}"
            continue
        exact, compared = same_losses(treated, view)
        if exact is None:
            why = why or "an edit was tried, but it did not give the losses that the trick gave"
            continue
        how = "to the last bit" if exact else f"within {CLOSE:g} of their size (rounding)"
        said = f"a run with it gave the same losses as the trick, {how}"
        change = Change(candidate, "checked", said, files, exact, compared)
        return replace(change, path=_saved(runner, change))
    return Change(candidate, "none", why)


def same_losses(one: RunView, other: RunView) -> tuple[bool | None, int]:
    """Whether two runs had the same losses in training and evaluation.

    Returns:
        True to the last bit, False within `CLOSE`, None if they differ or none were seen; and the
        number of steps compared.
    """
    trainings = main_training(one), main_training(other)
    if trainings[0] is None or trainings[1] is None:
        return None, 0
    a, b = (training.series("loss") for training in trainings if training is not None)
    pairs = list(zip(a.values, b.values, strict=False))
    if not pairs or list(a.steps) != list(b.steps):
        return None, 0
    held = [[(e.step, e.function, e.loss) for t in v.trainings for e in t.evaluations]
            for v in (one, other)]  # fmt: skip
    if [e[:2] for e in held[0]] != [e[:2] for e in held[1]]:
        return None, 0
    pairs += [
        (math.nan if x[2] is None else x[2], math.nan if y[2] is None else y[2])
        for x, y in zip(*held, strict=True)
    ]
    if all(x == y or (math.isnan(x) and math.isnan(y)) for x, y in pairs):
        return True, len(a)
    return (False if all(_close(x, y) for x, y in pairs) else None), len(a)


def _close(x: float, y: float) -> bool:
    if math.isfinite(x) and math.isfinite(y):
        return abs(x - y) <= CLOSE * max(abs(x), abs(y))
    return x == y or (math.isnan(x) and math.isnan(y))


def _view(runner: Runner, job: Job, needs: str = "") -> RunView:
    """Returns the record of a run, run again if an earlier trial's folder was removed."""
    view = runner.views.get(job)
    if view is None:
        view = read_run(Path(runner.results[job].folder))
    if not view.observed or (needs and not any(True for _ in view.events(needs))):
        runner.run_again(job)
        view = runner.views.get(job)
        if view is None:
            raise NotMechanicalError("there was no time left to look at its lines again")
    return view


def _patience(runner: Runner) -> float | None:
    return next((job.seconds for job in runner.results if job.seconds is not None), None)


def _saved(runner: Runner, change: Change) -> Path | None:
    path = runner.folder / "change.diff"
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(change.diff)
    except OSError:
        return None
    return path
