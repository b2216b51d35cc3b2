"""The range test: what its curve says, and `assay lr` as a person uses it."""

from __future__ import annotations

import json
import math
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.journal.reader import read_run
from assay.journal.series import Series
from assay.journal.view import Group, Training
from assay.report.glyphs import ASCII, UNICODE
from assay.report.range_test import render_range_test
from assay.signals.sweep import curve, rate_by_sharpness, swept
from assay.trials.files import put_back
from assay.trials.range_test import RangeTest

Assay = Callable[..., "subprocess.CompletedProcess[str]"]

# -- the curve ------------------------------------------------------------------------------------


def ladder(low: float = -5, high: float = 0, steps: int = 200) -> list[float]:
    return [10 ** (low + (high - low) * i / (steps - 1)) for i in range(steps)]


def falling(rate: float, noise: float = 0.0) -> float:
    """Falls from 2.3 to 0.3 around 1e-3, explodes from 1e-1."""
    x = math.log10(rate)
    loss = 0.3 + 2 / (1 + math.exp(6 * (x + 3))) + math.exp(12 * (x + 1)) * 0.1
    return loss * math.exp(noise)


def test_curve_finds_the_fall_and_the_end_of_it() -> None:
    dice = random.Random(0)
    points = [(rate, falling(rate, dice.gauss(0, 0.1))) for rate in ladder()]
    found = curve(points)
    assert found is not None
    assert 5e-4 < found.steepest < 3e-3
    assert 5e-3 < found.lowest < 1e-1
    assert found.suggestion == pytest.approx(math.sqrt(found.steepest * found.lowest))
    assert not found.still_falling


def test_curve_is_not_moved_by_spikes_or_by_what_is_not_finite() -> None:
    points = [(rate, falling(rate)) for rate in ladder()]
    clean = curve(points)
    spiked = list(points)
    for place in (20, 61, 90, 140):
        spiked[place] = (spiked[place][0], 30.0)
    spiked[110] = (spiked[110][0], math.nan)
    spiked += [(2.0, math.inf)]
    found = curve(spiked)
    assert clean is not None
    assert found is not None
    assert found.steepest == pytest.approx(clean.steepest, rel=0.2)
    assert found.lowest == pytest.approx(clean.lowest, rel=0.2)


def test_curve_of_losses_below_zero() -> None:
    found = curve([(rate, falling(rate) - 5) for rate in ladder()])
    assert found is not None
    assert 5e-4 < found.steepest < 2e-3
    assert 5e-3 < found.lowest < 1e-1


def test_a_flat_or_rising_curve_suggests_nothing() -> None:
    dice = random.Random(1)
    flat = curve([(rate, 2.3 + dice.gauss(0, 0.3)) for rate in ladder()])
    rising = curve([(rate, 2.3 + 10 * rate) for rate in ladder()])
    for found in (flat, rising):
        assert found is not None
        assert math.isnan(found.steepest)
        assert math.isnan(found.lowest)


def test_a_curve_that_still_falls_says_so_and_a_short_one_is_none() -> None:
    found = curve([(rate, falling(rate)) for rate in ladder(-5, -2.8)])
    assert found is not None
    assert found.still_falling
    assert curve([(rate, falling(rate)) for rate in ladder(steps=29)]) is None


def trained(settings: dict[str, Any], **signals: list[tuple[int, float]]) -> Training:
    training = Training(0, "SGD", groups=(Group(0, ("w",), settings),), steps=100)
    for name, samples in signals.items():
        place = "group 0" if name == "learning_rate" else ""
        training.signals[name] = {place: Series(samples)}
    return training


@pytest.mark.parametrize(
    ("settings", "back"), [({}, 1), ({"momentum": 0.9}, 10), ({"betas": [0.8, 0.99]}, 5)]
)
def test_a_loss_is_paired_with_the_rate_that_made_it(settings: dict[str, Any], back: int) -> None:
    training = trained(
        settings,
        learning_rate=[(step, 2.0**step) for step in range(100)],
        loss=[(step, float(step)) for step in range(100)],
    )
    assert swept(training) == [(2.0 ** (step - back), float(step)) for step in range(back, 100)]


@pytest.mark.parametrize(
    ("settings", "rate"),
    [
        ({}, 0.5),
        ({"momentum": 0.9, "dampening": 0}, 0.05),
        ({"momentum": 0.9, "dampening": 0.9}, 0.5),
        ({"betas": [0.9, 0.999]}, 0.5),
    ],
)
def test_rate_by_sharpness(settings: dict[str, Any], rate: float) -> None:
    measured = {"sharpness": [(0, 77.0), (26, 4.0), (90, 1e3)]}
    training = trained(settings, stability_limit=[(0, 2.0)], **measured)
    assert rate_by_sharpness(training) == (pytest.approx(rate), 4.0, 26)
    assert rate_by_sharpness(trained(settings, **measured)) is None
    assert rate_by_sharpness(trained(settings)) is None


def test_what_is_unknown_is_null() -> None:
    test = RangeTest(Path("x"), ("train.py",))
    written = json.loads(json.dumps(test.as_dict(), allow_nan=False))
    assert written["suggestion"] is None
    assert written["trick"] is None
    test.suggestion, test.own, test.several = 3e-3, 1e-3, 2
    assert test.trick == "lr=x3"


def test_the_report_shows_all_three_marks_in_any_terminal(tmp_path: Path) -> None:
    found = curve([(rate, falling(rate)) for rate in ladder()])
    assert found is not None
    test = RangeTest(
        tmp_path, ("train.py", "--data", "my file"), optimizer="SGD", own=1e-5, low=1e-5, high=1.0,
        steps=200, curve=found, by_curve=found.suggestion, by_sharpness=2e-4, suggestion=3e-3,
        sharpness=(1e4, 26), tricks=("clip-norm=1.0",),
    )  # fmt: skip
    test.files.restored = [str(Path.cwd() / f"{i}.pt") for i in range(6)]
    for glyphs in (UNICODE, ASCII):
        text = render_range_test(test, glyphs=glyphs, width=90)
        assert max(map(len, text.splitlines())) <= 90
        (marks,) = (line for line in text.splitlines() if {"s", "l", "h", "^"} == set(line) - {" "})
        assert [mark for mark in marks if mark != " "] == ["h", "s", "^", "l"]
        assert "the script's own is 1e-05: 300 times as high" in text
        assert "assay try --with clip-norm=1.0+lr=0.003 train.py --data 'my file'" in text
        assert "0.pt, 1.pt, 2.pt, 3.pt and 2 more" in text
    assert text.isascii()


# -- files ----------------------------------------------------------------------------------------


def test_files_are_put_back_once(tmp_path: Path) -> None:
    kept = tmp_path / "run" / "kept"
    kept.mkdir(parents=True)
    (kept / "1").write_text("before")
    (kept / "2").write_text("same")
    names = {name: tmp_path / name for name in ("changed", "gone", "same", "new", ".hidden", "big")}
    for name in ("changed", "same", "new", ".hidden", "big"):
        names[name].write_text("same" if name == "same" else "after")
    (kept / "3").write_text("was here")
    lines = [
        {"path": str(names["changed"]), "copy": str(kept / "1")},
        {"path": str(names["gone"]), "copy": str(kept / "3")},
        {"path": str(names["same"]), "copy": str(kept / "2")},
        {"path": str(names["new"]), "copy": None},
        {"path": str(names[".hidden"]), "copy": None},
        {"path": str(names["big"]), "copy": None, "large": 1},
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    (kept / "files-1.jsonl").write_text(text + '\n{"path": "torn')
    found = put_back(tmp_path / "run", tmp_path)
    assert found.restored == [str(names["changed"]), str(names["gone"])]
    assert found.made == [str(names["new"])]
    assert found.lost == [str(names["big"])]
    assert names["changed"].read_text() == "before"
    assert names["gone"].read_text() == "was here"
    assert names["new"].exists()
    names["changed"].write_text("the user's own change")
    assert put_back(tmp_path / "run", tmp_path).restored == []
    assert names["changed"].read_text() == "the user's own change"


# -- the verb -------------------------------------------------------------------------------------

SCRIPT = """
import json, os, sys, time
import torch
torch.set_num_threads(1)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
weights = torch.randn(8, 1)
{optimizer}
for step in range({steps}):
    x = torch.randn(32, 8)
    loss = torch.nn.functional.mse_loss(model(x), x @ weights)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    {also}
"""
SGD = "optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)"
GROUPS = """
optimizer = torch.optim.AdamW([
    {"params": model[0].parameters(), "lr": 1e-4}, {"params": model[2].parameters(), "lr": 1e-3}])
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 ** step)
"""


def write(folder: Path, optimizer: str = SGD, steps: int = 300, also: str = "pass") -> None:
    text = SCRIPT.format(optimizer=optimizer, steps=steps, also=also)
    (folder / "train.py").write_text(text)


def test_groups_keep_their_proportions_and_a_scheduler_does_not_fight(
    assay: Assay, tmp_path: Path
) -> None:
    write(tmp_path, GROUPS, also="schedule.step()")
    options = ("--from", "1e-5", "--to", "1e-1", "--steps", "60", "--json", "-")
    done = assay("lr", *options, "-m", "train", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["optimizer"], told["own_rate"], told["steps"]) == ("AdamW", 1e-3, 60)
    assert told["trick"] in done.stderr
    assert 1e-3 < told["suggestion"] < 1e-1
    folder = tmp_path / told["folder"]
    assert json.loads((folder / "range-test.json").read_text()) == told
    training = read_run(folder / "run").trainings[0]
    slow, fast = (list(training.series("learning_rate", f"group {i}").values) for i in (0, 1))
    assert fast == pytest.approx([1e-5 * 1e4 ** (i / 59) for i in range(60)], rel=1e-5)
    assert slow == pytest.approx([rate / 10 for rate in fast], rel=1e-5)
    assert not (tmp_path / ".assay" / "runs").exists()


FILES = """
    if step % 20 == 0:
        torch.save(model.state_dict(), "best.pt")
        torch.save(model.state_dict(), "draft.pt")
        os.replace("draft.pt", "last.pt")
        json.dump(step, open("step.json", "w"))
        open("new.txt", "w").close()
        if os.path.exists("old.pt"):
            os.remove("old.pt")
"""


def test_the_sweep_begins_as_the_script_begins_and_leaves_no_trace(
    assay: Assay, tmp_path: Path
) -> None:
    write(tmp_path, also=FILES.strip() + "\n    print(float(loss))")
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    first = float(done.stdout.split()[0])
    olds = ("best.pt", "last.pt", "step.json", "old.pt")
    for name in olds:
        (tmp_path / name).write_text(f"old {name}")
    (tmp_path / "new.txt").unlink()
    done = assay("lr", "--", sys.executable, "train.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (kept,) = tmp_path.glob(".assay/sweeps/*/range-test.json")
    told = json.loads(kept.read_text())
    training = read_run(kept.parent / "run").trainings[0]
    assert training.series("loss").first == pytest.approx(first, rel=1e-6)
    for name in olds:
        assert (tmp_path / name).read_text() == f"old {name}"
    assert {Path(name).name for name in told["files"]["restored"]} == set(olds)
    assert [Path(name).name for name in told["files"]["made"]] == ["new.txt"]
    assert "exploded" in told["stopped"] or "not finite" in told["stopped"]
    assert told["steps"] < 200
    assert 1 / 6 < told["by_curve"]["rate"] / told["by_sharpness"]["rate"] < 6
    assert f"assay try --with {told['trick']} --" in done.stderr


def test_a_short_script_is_swept_over_its_own_steps(assay: Assay, tmp_path: Path) -> None:
    two = SGD + "\nsecond = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1e-2)"
    write(tmp_path, two, steps=80, also="second.step()")
    done = assay("lr", "train.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (kept,) = tmp_path.glob(".assay/sweeps/*/range-test.json")
    told = json.loads(kept.read_text())
    assert 50 <= told["steps"] <= 80
    view = read_run(kept.parent / "again")
    assert next(view.events("sweep")).data["steps"] == 80
    assert told["trick"].startswith("lr=x")
    assert "2 optimizers were swept in proportion" in done.stderr
    main, other = (t.series("learning_rate", "group 0").values for t in view.trainings)
    assert list(other[:50]) == pytest.approx([100 * rate for rate in main[:50]], rel=1e-5)
    done = assay("lr", "--steps", "150", "train.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "ended after 80 steps, and the sweep was to take 150: give --steps 80\n"
    )


def test_tricks_are_on_while_it_is_swept(assay: Assay, tmp_path: Path) -> None:
    write(tmp_path)
    done = assay("lr", "--with", "clip-norm=0.5", "--steps", "60", "train.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "assay try --with clip-norm=0.5+lr=" in done.stderr
    (settings,) = tmp_path.glob(".assay/sweeps/*/run/settings.json")
    assert json.loads(settings.read_text())["tricks"] == ["clip-norm=0.5"]
    done = assay("lr", "--with", "drop-path=0.1", "train.py", cwd=tmp_path)
    assert done.returncode == 2
    assert "trick drop-path: " in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("print('no torch')", 2, "no optimizer of torch took a step"),
        (SCRIPT.format(optimizer=SGD, steps=12, also="pass"), 2, "a sweep needs at least 50"),
        (
            SCRIPT.format(optimizer=SGD, steps=99, also="step == 9 and json.loads('{')"),
            1,
            "status 1 at step 10: json.decoder.JSONDecodeError",
        ),
    ],
)
def test_scripts_that_can_t_be_swept(
    assay: Assay, tmp_path: Path, text: str, status: int, says: str
) -> None:
    (tmp_path / "train.py").write_text(text)
    done = assay("lr", "train.py", cwd=tmp_path)
    assert done.returncode == status
    assert says in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("assay: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--from", "1", "--to", "0.1", "train.py"], "--from 1 must be below --to 0.1"),
        (["--from", "-1", "train.py"], "--from must be a number above 0, received '-1'"),
        (["--to", "nan", "train.py"], "--to must be a number above 0"),
        (["--steps", "10", "train.py"], "--steps must be at least 50, received 10"),
        (["--with", "lr=0.1", "train.py"], "--with lr: the sweep sets the rate itself"),
        (["--with", "warmup=10", "train.py"], "--with warmup: the sweep sets"),
        (["--with", "clip-nrm=1", "train.py"], "did you mean clip-norm"),
        (["--with", "clip-norm=1", "--with", "clip-norm=2", "train.py"], "more than once"),
        (["--minutes", "0", "train.py"], "--minutes must be a number above 0"),
        (["--json", "no/such.json", "train.py"], "no directory no"),
        (["--fro", "1", "train.py"], "did you mean --from"),
        (["missing.py"], "no such file"),
        ([], "nothing to run"),
    ],
)
def test_bad_input_is_one_line_before_anything_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    says: str,
) -> None:
    from assay.cli.main import main

    (tmp_path / "train.py").write_text("raise SystemExit('it ran')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["lr", *words])
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert says in err
    assert err.startswith("assay: ")
    assert err.count("\n") == 1
    assert not (tmp_path / ".assay").exists()


def test_interrupted_it_ends_the_script_and_puts_files_back(tmp_path: Path) -> None:
    also = "torch.save(model.state_dict(), 'best.pt')\n    time.sleep(0.2)"
    write(tmp_path, also=f"{also}\n    open('beat', 'w').write(str(step))")
    best, beat = tmp_path / "best.pt", tmp_path / "beat"
    best.write_text("good")
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", "lr", "train.py"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not (beat.exists() and beat.read_text() > "0") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert best.read_bytes()[:2] == b"PK"
    process.send_signal(signal.SIGTERM)  # Ctrl-C takes the same way
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "assay: interrupted" in err
    assert best.read_text() == "good"
    last = beat.read_text()
    time.sleep(0.6)
    assert beat.read_text() == last
