"""Trials of real runs: verdicts, resuming, children that are killed, interruption."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assay.diagnosis import Diagnosis
from assay.journal.view import RunView
from assay.launch.ports import free_port
from assay.testing import WarmRunner
from assay.trials.child import Command
from assay.trials.experiment import Experiment
from assay.trials.plan import CONTROL, PLACEBO, Budget, Candidate, Job, candidate_of
from assay.trials.result import Result
from assay.trials.runner import Runner
from assay.trials.store import Store
from assay.trials.trial import Trial
from assay.tricks.reading import read_all

Train = Callable[..., Path]
Make = Callable[..., Experiment]
Assay = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]
# the first backward pass of each run makes a gradient that throws the weights far away
BURST = "optimizer.zero_grad(); loss = loss * (1e5 if step == 20 else 1)"


def candidate(text: str) -> Candidate:
    return candidate_of(read_all([text]))


class Heard:
    """Remembers what a trial says of its progress."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Job, Result]] = []
        self.retries: list[Job] = []
        self.most = 0

    def work(self, running: Any, left: int) -> None:
        self.most = max(self.most, len(running))

    def ended(self, job: Job, result: Result) -> None:
        self.jobs.append((job, result))

    def retried(self, job: Job, result: Result) -> None:
        self.retries.append(job)


def make_experiment(
    script: Path,
    listener: Heard | None = None,
    *,
    threads: int | None = 1,
    spawn: Callable[..., Any] = subprocess.Popen,
    **budget: Any,
) -> Experiment:
    """An experiment; each run is a Python of its own, unless `spawn` knows better."""
    budget = {"jobs": 2, "seeds": 2, **budget}
    command = Command((str(script),), None, threads, spawn=spawn)
    return Experiment(command, Store(script.parent / "trials"), Budget(**budget), "x", listener)


@pytest.fixture
def experiment(warm: WarmRunner) -> Make:
    """As `make_experiment`, with runs in forks of a warm process."""
    return partial(make_experiment, spawn=warm.spawn)


def of(trial: Trial, name: str) -> Any:
    return next(v for v in trial.verdicts if v.candidate.name == name)


def taken(trial: Trial) -> set[int]:
    return {result.steps for runs in trial.results.values() for result in runs.values()}


def test_a_cure_is_proved_a_placebo_is_not_and_nothing_is_run_twice(
    experiment: Make, train: Train
) -> None:
    script = train(zero=BURST)
    tricks = [candidate("clip-norm=1.0"), PLACEBO]
    heard = Heard()
    trial = experiment(script, heard, seeds=3).compare(tricks)
    assert of(trial, "clip-norm=1.0").outcome == "proved"
    placebo = of(trial, "placebo")
    assert placebo.outcome == "no effect"
    assert placebo.control == placebo.treated, "paired runs of the same script differ"
    assert len(set(placebo.control)) == 3, "seeds do not reach the script"
    assert heard.most == 2
    assert (trial.runs, trial.resumed) == (10, 0), "nine, and one that checks the diff"
    assert trial.change is not None
    assert (trial.change.state, trial.change.exact) == ("checked", True)
    assert script.read_text() == trial.change.files[0].before.decode()
    assert (trial.folder / "control-seed0" / "output.txt").exists()

    again = experiment(script, seeds=3).compare(tricks)
    assert (again.runs, again.resumed) == (0, 10)
    assert again.change is not None
    assert again.change.diff == trial.change.diff
    assert [v.as_dict() | {"cost": 0} for v in again.verdicts] == [
        v.as_dict() | {"cost": 0} for v in trial.verdicts
    ]
    # another trick needs its own runs, and the control's are known
    more = experiment(script, seeds=3).compare([candidate("clip-norm=0.5")])
    assert (more.runs, more.resumed) == (4, 3)
    # a changed script makes all of it void
    script.write_text(script.read_text().replace("lr=0.05", "lr=0.04"))
    changed = experiment(script, seeds=1).compare([PLACEBO])
    assert (changed.runs, changed.resumed) == (2, 0)


def test_a_killed_child_is_tried_once_more(experiment: Make, train: Train) -> None:
    # the first run that comes to step 30 takes the mark away and dies
    marked = "import os; step == 30 and os.path.exists('mark')"
    script = train(also=f"{marked} and (os.remove('mark'), os.kill(os.getpid(), 9))")
    heard = Heard()
    before = Path.cwd()
    os.chdir(script.parent)
    try:
        Path("mark").touch()
        trial = experiment(script, heard, seeds=1, jobs=1).compare([PLACEBO])
    finally:
        os.chdir(before)
    assert heard.retries == [Job(CONTROL, 0)]
    assert of(trial, "placebo").treated == of(trial, "placebo").control


def test_a_run_that_stood_still_is_tried_once_more(
    warm: WarmRunner, train: Train, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    marked = f"import os; step == 30 and os.path.exists({str(mark)!r})"
    script = train(also=f"{marked} and (os.remove({str(mark)!r}), time.sleep(12))")
    heard, store = Heard(), Store(tmp_path / "trials")
    job = Job(PLACEBO, 0, None, 10.0)
    for length, retries, state in ((None, [], "slow"), (60, [job], "done")):
        mark.touch()
        what = Command((str(script),), None, 1, spawn=warm.spawn)
        runner = Runner(what, store, store.new_trial("x"), 1, heard, fresh=True)
        runner.length = length
        runner.run([job])
        assert (heard.retries, runner.results[job].state) == (retries, state)


def test_runs_that_want_the_same_port_go_on_one_by_one(
    warm: WarmRunner, train: Train, tmp_path: Path
) -> None:
    listen = f"torch.distributed.TCPStore('127.0.0.1', {free_port()}, 1, True)"
    script = train(also=f"store = store if step else {listen}; time.sleep(0.03)")
    heard, store = Heard(), Store(tmp_path / "trials")
    what = Command((str(script),), None, 1, spawn=warm.spawn)
    runner = Runner(what, store, store.new_trial("x"), 2, heard)
    jobs = [Job(CONTROL, seed) for seed in range(3)]
    runner.run(jobs)
    assert [runner.results[job].state for job in jobs] == ["done"] * 3
    assert len(heard.retries) == 1
    assert runner.jobs == 1


def test_a_child_that_is_killed_twice_is_reported(train: Train) -> None:
    script = train(also="import os; step == 30 and os.kill(os.getpid(), 9)")
    heard = Heard()
    trial = make_experiment(script, heard, seeds=1).compare([PLACEBO])
    assert "killed by SIGKILL" in trial.trouble
    assert len(heard.retries) == 1
    assert not (trial.folder.parent / "results.jsonl").exists(), "it may go better another time"


def test_a_script_that_fails_with_a_trick(experiment: Make, train: Train) -> None:
    script = train(also="assert loss < 1e4, 'too large'")
    trial = experiment(script, seeds=1).compare([candidate("lr=x1000")])
    verdict = trial.verdicts[0]
    assert verdict.outcome == "undecided"
    assert "too large" in verdict.why


def test_a_trick_that_does_not_fit_is_told_and_costs_one_run(
    experiment: Make, train: Train
) -> None:
    trial = experiment(train()).compare([candidate("balance-classes")])
    verdict = trial.verdicts[0]
    assert verdict.outcome == "undecided"
    assert verdict.why.startswith("does not fit: ")
    assert verdict.runs == trial.runs == 1
    assert trial.control == {}


def test_one_that_does_not_fit_does_not_stop_the_others(experiment: Make, train: Train) -> None:
    wanted = [candidate("balance-classes"), candidate("lr=x1.0")]
    trial = experiment(train()).compare(wanted)
    outcomes = {verdict.candidate.name: verdict.outcome for verdict in trial.verdicts}
    assert outcomes == {wanted[0].name: "undecided", wanted[1].name: "no effect"}


def test_a_script_that_trains_nothing(experiment: Make, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("print(1)")
    trial = experiment(script).compare([PLACEBO])
    assert trial.trouble == "no training step was seen"
    assert "no run of it" in trial.verdicts[0].why


def test_what_was_found_is_told_where_nothing_can_be_compared(
    experiment: Make, train: Train
) -> None:
    script = train()
    script.write_text(re.sub(r"\w+\.step\(\)", "pass", script.read_text()))
    told: list[Diagnosis] = []

    def propose(view: RunView, diagnosis: Diagnosis) -> list[list[Candidate]]:
        told.append(diagnosis)
        return []

    trial = experiment(script).fix(propose)
    assert trial.trouble == "no training step was seen"
    assert trial.diagnosis is told[0]
    assert told[0].findings[0].check == "step-missing"
    assert trial.runs == 1


def test_of_two_cures_of_nan_only_the_one_that_trains_is_proved(
    experiment: Make, train: Train
) -> None:
    wanted = [candidate("skip-non-finite"), candidate("lr=x1e-30")]
    trial = experiment(train(lr=1e29), steps=30, seeds=3).compare(wanted)
    outcomes = {v.candidate.name: v.outcome for v in trial.verdicts}
    assert outcomes == {"lr=x1e-30": "proved", "skip-non-finite=5": "refused"}
    assert "a constant prediction has" in trial.verdicts[1].why


def test_steps_end_every_run_alike(experiment: Make, train: Train) -> None:
    trial = experiment(train(), seeds=1, steps=25).compare([candidate("clip-norm=1")])
    assert taken(trial) == {25}


def test_accumulation_gets_as_many_batches_not_as_many_steps(
    experiment: Make, train: Train
) -> None:
    trial = experiment(train(lr=0.0), seeds=1, steps=40).compare([candidate("accumulate=4")])
    verdict = trial.verdicts[0]
    assert trial.results["accumulate=4"][0].steps == 10
    assert verdict.treated == pytest.approx(verdict.control, rel=0.3)


def test_minutes_cut_every_run_alike(experiment: Make, train: Train) -> None:
    script = train(steps=100_000, also="time.sleep(0.01)")
    trial = experiment(script, seeds=1, minutes=0.3).compare([PLACEBO])
    assert trial.seconds < 40
    assert trial.steps
    assert {r.steps for results in trial.results.values() for r in results.values()} == {
        trial.steps
    }
    assert of(trial, "placebo").control == of(trial, "placebo").treated


def test_children_never_outlive_their_trial(train: Train) -> None:
    script = train(steps=100_000, also="time.sleep(0.01)")
    work = make_experiment(script, seeds=1)
    work._runner.deadline = time.monotonic() + 6
    trial = work.compare([PLACEBO])
    assert "did not end in time" in trial.trouble
    assert running(script) == []


def running(script: Path) -> list[str]:
    lines = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True, check=True)
    return [
        line for line in lines.stdout.splitlines()
        if str(script) in line and not line.startswith("Z") and "-m assay" not in line
    ]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_is_known(assay: Assay, train: Train, number: signal.Signals) -> None:
    script = train(zero=BURST)
    words = [
        sys.executable,
        "-m",
        "assay",
        "try",
        "--with",
        "clip-norm=1",
        "--jobs",
        "1",
        str(script),
    ]
    work = subprocess.Popen(
        words, cwd=script.parent, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    store = script.parent / ".assay" / "trials" / "results.jsonl"
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and not (
        store.exists() and store.read_text().count("\n") >= 3  # the first is a rehearsal
    ):
        time.sleep(0.05)
    time.sleep(0.3)
    work.send_signal(number)
    _, said = work.communicate(timeout=300)
    assert work.returncode == 130, said
    assert "interrupted: what follows is known so far" in said
    assert "1 of 3 seeds" in said
    assert running(script) == []
    known = store.read_text().count("\n") - 1
    done = assay("try", "--with", "clip-norm=1", "--json", "-", str(script), cwd=script.parent)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["trial"]["cost"]["resumed"] == known
    assert report["trial"]["cost"]["runs"] == 7 - known
    assert report["verdicts"][0]["verdict"] == "proved"
    listed = assay("trials", cwd=script.parent).stdout.splitlines()
    assert len(listed) == 2
    assert listed[-1].endswith("train.py\tclip-norm=1.0\tproved")
