"""A script that is run warm sees, prints and leaves what it would under plain Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.testing import WarmRunner

WORLD = """\
import __main__, os, sys, threading
print(__name__, __file__, sys.argv, sys.path, os.getcwd(), sys.flags, sys.executable)
print(sorted(vars(__main__)), type(__loader__).__name__, __doc__, __package__, __builtins__)
print(vars(__main__) is globals(), [entry for entry in sys.orig_argv])
print(threading.active_count(), threading.current_thread() is threading.main_thread())
print(repr(sys.stdin.read()), sys.stdout.isatty(), sys.stdout.encoding)
print(sys.stdin.errors, sys.stdout.errors, sys.stderr.errors)
print(sys.stdout.line_buffering, sys.stderr.line_buffering, os.environ.get("MINE"))
"""

ENDS = {
    "nothing": "print(1)",
    "status": "import sys; sys.exit(3)",
    "large status": "import sys; sys.exit(259)",
    "words": "raise SystemExit('no more')",
    "error": "def f():\n    raise ValueError('mine')\nf()",
    "chained": "try:\n    1 / 0\nexcept ArithmeticError as error:\n    raise KeyError from error",
    "syntax": "x = = 1",
    "interrupt": "raise KeyboardInterrupt",
    "signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "at exit": "import atexit; atexit.register(print, 'last'); print('first'); 1 / 0",
    "thread": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), print('from the thread'))).start()",
    "hard": "import os; print('lost'); os._exit(7)",
    "warning": "import warnings; warnings.warn('look'); warnings.warn('look')",
    "standard error": "import sys; print('a', file=sys.stderr); print('b')",
}  # fmt: skip

TRAIN = """
import torch
torch.set_num_threads(1)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(STEPS):
    optimizer.zero_grad()
    model(torch.randn(8, 4)).pow(2).mean().backward()
    optimizer.step()
print(model.weight.data)
"""


def both(warm: WarmRunner, folder: Path, *words: str, **env: str) -> list[tuple[int, str, str]]:
    """The status and the output of a script: in plain Python, and warm without a run folder."""
    outside = ("PYTHONPATH", "ASSAY_RUN", "PYTHONHASHSEED", "COVERAGE_PROCESS_START")
    environment = {k: v for k, v in os.environ.items() if k not in outside} | env
    plain = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    out, err = folder / "warm-out", folder / "warm-err"
    with out.open("wb") as to, err.open("wb") as beside:
        process = warm.spawn(
            [sys.executable, *words], env=environment, cwd=folder,
            stdout=to.fileno(), stderr=beside.fileno(),
        )  # fmt: skip
        code = process.wait(100)
    return [
        (plain.returncode, plain.stdout, plain.stderr),
        (code, out.read_text(), err.read_text()),
    ]


def test_the_same_world(warm: WarmRunner, tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "world.py").write_text(WORLD)
    (tmp_path / "link.py").symlink_to(tmp_path / "inside" / "world.py")
    for words in (["inside/world.py", "-x", "a b"], [str(tmp_path / "inside" / "world.py")],
                  ["link.py"], ["-m", "inside.world", "--lr", "1"]):  # fmt: skip
        plain, seen = both(warm, tmp_path, *words, MINE="yes")
        assert seen == plain
        assert plain[0] == 0


def test_pythonpath_counts(warm: WarmRunner, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "mine.py").write_text("x = 5")
    (tmp_path / "train.py").write_text("import mine; print(mine.x)")
    plain, seen = both(warm, tmp_path, "train.py", PYTHONPATH=str(tmp_path / "far"))
    assert seen == plain == (0, "5\n", "")


@pytest.mark.parametrize("text", ENDS.values(), ids=ENDS)
def test_the_same_end(text: str, warm: WarmRunner, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(text)
    plain, seen = both(warm, tmp_path, "train.py")
    assert seen == plain


def test_random_numbers(warm: WarmRunner, tmp_path: Path) -> None:
    """As in plain Python they are others in each process that sets no seed."""
    text = "import random, numpy, torch\nprint(random.random(), numpy.random.rand(), torch.rand(2))"
    (tmp_path / "train.py").write_text(text)
    plain, one = both(warm, tmp_path, "train.py")
    _, other = both(warm, tmp_path, "train.py")
    lines = [printed.split(maxsplit=2) for _, printed, _ in (plain, one, other)]
    assert [len(set(column)) for column in zip(*lines, strict=True)] == [3, 3, 3]


def test_a_run_is_recorded_and_leaves_nothing_to_the_next(
    warm: WarmRunner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "train.py"
    for number, steps in enumerate((5, 9)):
        script.write_text(TRAIN.replace("STEPS", str(steps)) + "torch.mine = 1")
        if number:
            script.write_text(
                "import torch; assert not hasattr(torch, 'mine')\n" + script.read_text()
            )
        observed = warm.observe([str(script)], run_dir=tmp_path / f"run{number}")
        assert (observed.outcome.exit_code, observed.view.steps) == (0, steps)
        assert observed.view.errors == []
        assert observed.view.facts["exit_code"] == 0
        assert len(list((tmp_path / f"run{number}").glob("journal-*.jsonl"))) == 1
    assert "tensor" in capfd.readouterr().out  # by default a script writes to our own streams


def test_settings_reach_the_child(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAIN.replace("STEPS", "50"))
    settings = {"steps": 7, "tricks": ["lr=0.5"]}
    view = warm.observe([str(script)], settings, run_dir=tmp_path / "run").view
    assert view.steps == 7
    assert "--steps" in view.facts["stopped"]
    assert set(view.trainings[0].series("learning_rate", "group 0").values) == {0.5}


def test_workers_of_a_script(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("""
import multiprocessing, torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def square(x):
    return x * x

if __name__ == "__main__":
    for way in ("fork", "spawn"):
        with multiprocessing.get_context(way).Pool(2) as pool:
            assert pool.map(square, range(4)) == [0, 1, 4, 9]
    data = TensorDataset(torch.randn(64, 4), torch.randn(64, 1))
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in DataLoader(data, batch_size=8, num_workers=2):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
""")
    observed = warm.observe([str(script)], run_dir=tmp_path / "run")
    assert (observed.outcome.exit_code, observed.view.steps) == (0, 8)
    assert observed.view.errors == []


def alive(pid: int) -> bool:
    """Whether it runs; a zombie that waits for somebody to reap it does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends(pid: int, within: float = 60.0) -> bool:
    end = time.monotonic() + within
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


SLEEPER = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("pids.tmp").write_text(f"{os.getpid()} {child.pid}")
os.rename("pids.tmp", "pids")
time.sleep(600)
"""


def started(folder: Path) -> list[int]:
    end = time.monotonic() + 60
    while not (folder / "pids").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    return [int(word) for word in (folder / "pids").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_a_limit_and_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "train.py"
    script.write_text(SLEEPER)
    with WarmRunner(limit=0.0) as runner:
        runner.spawn([sys.executable, str(script)]).kill()  # the zygote is ready
        runner.limit = 5.0
        observed = runner.observe([str(script)], run_dir=tmp_path / "run")
        assert observed.outcome.overran
        assert observed.outcome.signal == signal.SIGKILL
        assert all(ends(pid) for pid in started(tmp_path))
        (tmp_path / "pids").unlink()
        process = runner.spawn([sys.executable, str(script)])
        pids = started(tmp_path)
        assert process.pid == pids[0]
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        assert process.poll() is None
    assert all(ends(pid) for pid in pids)


def test_several_at_once(warm: WarmRunner, tmp_path: Path) -> None:
    slow, quick = tmp_path / "slow.py", tmp_path / "quick.py"
    slow.write_text("import sys, os\nos.read(0, 1)\nsys.exit(4)")
    quick.write_text("import sys; sys.exit(5)")
    reading, writing = os.pipe()
    waiting = warm.spawn([sys.executable, str(slow)], stdin=reading)
    os.close(reading)
    others = [warm.spawn([sys.executable, str(quick)]) for _ in range(3)]
    assert [process.wait(60) for process in others] == [5, 5, 5]
    assert waiting.poll() is None
    os.write(writing, b"x")
    os.close(writing)
    assert (waiting.wait(60), waiting.poll(), waiting.returncode) == (4, 4, 4)


@pytest.mark.parametrize(
    "argv", [["/bin/true"], [sys.executable], [sys.executable, "-u", "train.py"]]
)
def test_what_cannot_be_run_warm(argv: list[str], warm: WarmRunner) -> None:
    with pytest.raises(ValueError, match="can't be run warm"):
        warm.spawn(argv)


def test_a_warm_process_that_died(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import os, signal; os.kill(os.getppid(), signal.SIGKILL)")
    with WarmRunner() as runner:
        runner.spawn([sys.executable, str(tmp_path / "train.py")])
        with pytest.raises(RuntimeError, match="the warm process ended with status -9"):
            runner.observe([str(tmp_path / "train.py")], run_dir=tmp_path / "run")
