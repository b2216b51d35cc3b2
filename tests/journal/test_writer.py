"""The journal is safe in any death, and its troubles are never the run's."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from assay.journal.reader import read_run
from assay.journal.writer import Journal

LOOP = """
import os, sys, time, torch
torch.set_num_threads(1)
w = torch.nn.Parameter(torch.ones(1)); optimizer = torch.optim.SGD([w], 1e-6)
def train(steps, pause=0.0):
    for _ in range(steps):
        optimizer.zero_grad(); (w * w).sum().backward(); optimizer.step()
        if pause: time.sleep(pause)
"""


def lines(folder):
    (path,) = folder.glob("journal-*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def script(tmp_path, text):
    path = tmp_path / "train.py"
    path.write_text(LOOP + textwrap.dedent(text))
    return str(path)


def test_nothing_is_written_before_it_is_opened(tmp_path):
    journal = Journal(str(tmp_path))
    journal.put("begin", n=1)
    assert list(tmp_path.iterdir()) == []
    journal.open()
    journal.put("end", value=2)
    journal.close()
    assert lines(tmp_path) == [{"k": "begin", "n": 1}, {"k": "end", "value": 2}]
    assert [path.name[:8] for path in tmp_path.iterdir()] == ["journal-"]


def test_what_json_cannot_hold_is_written_as_words(tmp_path):
    journal = Journal(str(tmp_path))
    journal.open()
    nan = float("nan")
    journal.put(
        "event", data={"loss": nan, 3: (float("inf"), {"x"}), "o": Path("a"), "s": "\udc80"}
    )
    journal.close()
    assert lines(tmp_path) == [
        {"k": "event", "data": {"loss": "nan", "3": ["inf", ["x"]], "o": "a", "s": "\udc80"}}
    ]


def test_a_number_used_before_gets_a_new_file(tmp_path):
    for n in range(3):
        journal = Journal(str(tmp_path))
        journal.open()
        journal.put("event", n=n)
        journal.close()
    found = [json.loads(p.read_text())["n"] for p in tmp_path.glob("journal-*.jsonl")]
    assert sorted(found) == [0, 1, 2]


def test_files_get_numbers_that_no_program_meets(tmp_path):
    journal = Journal(str(tmp_path))
    before = set(os.listdir("/proc/self/fd"))
    journal.open()
    new = set(os.listdir("/proc/self/fd")) - before
    journal.close()
    assert [int(fd) >= 200 for fd in new] == [True]
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_program_that_closes_all_files_keeps_its_own_clean(tmp_path):
    journal = Journal(str(tmp_path))
    journal.open()
    journal.put("event", n=1)
    journal.flush()
    number = journal._fd
    os.close(number)
    users = os.open(tmp_path / "users", os.O_CREAT | os.O_RDWR)
    os.dup2(users, number)
    journal.put("event", n=2)
    journal.close()
    assert (tmp_path / "users").read_bytes() == b""
    assert [line["n"] for line in lines(tmp_path)] == [1, 2]
    os.fstat(number)  # still the user's
    os.close(users)
    os.close(number)


def test_an_interrupt_between_two_writes_loses_nothing(tmp_path, monkeypatch):
    journal = Journal(str(tmp_path))
    journal.open()
    journal.put("event", n=1)
    write = os.write

    def interrupted(fd, data):
        monkeypatch.setattr(os, "write", write)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        journal.flush()
    journal.close()
    assert [line["n"] for line in lines(tmp_path)] == [1]


def test_full_disk_stops_the_record_and_not_the_run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    text = f"""
        import resource
        sys.path.insert(0, {str(Path(__file__).parents[2] / "src")!r})
        from assay import session
        session.begin({str(folder)!r})
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
        train(3000)
        print("trained", round(w.item(), 3))
    """
    done = subprocess.run(
        [sys.executable, script(tmp_path, text)], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "trained 0.994\n"
    view = read_run(folder)
    assert any("EFBIG" in error for error in view.errors)
    assert view.observed
    (journal,) = folder.glob("journal-*.jsonl")
    assert 0 < journal.stat().st_size <= 6000


def test_a_folder_that_cannot_be_written_changes_nothing(tmp_path):
    text = f"""
        sys.path.insert(0, {str(Path(__file__).parents[2] / "src")!r})
        from assay import session
        session.begin({str(tmp_path / "missing")!r})
        train(100)
        print("trained")
    """
    done = subprocess.run(
        [sys.executable, script(tmp_path, text)], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "trained\n", "")


@pytest.mark.parametrize("pause", [0.0, 0.4], ids=["fast", "slow"])
def test_kill_loses_no_more_than_the_last_moments(warm, tmp_path, pause):
    marks = tmp_path / "marks"
    text = f"""
        mark = open({str(marks)!r}, "a", buffering=1)
        step = 0
        while True:
            train(1, {pause or 0.001}); step += 1
            mark.write(f"{{time.monotonic()}} {{step}}\\n")
            if {pause} and step == 8 or step == 1500: os.kill(os.getpid(), 9)
    """
    observed = warm.observe([script(tmp_path, text)], run_dir=tmp_path / "run")
    assert observed.outcome.signal == signal.SIGKILL
    assert observed.view.errors == []
    times = [line.split() for line in marks.read_text().splitlines()]
    killed = float(times[-1][0])
    long_before = sum(float(t) < killed - 2 * 0.25 - pause for t, _ in times)
    assert long_before > 4
    assert long_before <= observed.view.steps <= len(times) + 1


def test_torn_lines_are_passed_over(warm, tmp_path):
    observed = warm.observe([script(tmp_path, "train(200)")], run_dir=tmp_path / "run")
    (path,) = (tmp_path / "run").glob("journal-*.jsonl")
    whole = path.read_bytes()
    for end in (len(whole) - 1, len(whole) // 2, 100, 1, 0):
        path.write_bytes(whole[:end])
        view = read_run(tmp_path / "run")
        assert len(view.errors) <= 1
        assert view.steps <= observed.view.steps == 200


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_and_files_are_bounded(warm, tmp_path, capfd):
    text = """
        import gc, resource, tracemalloc
        def held():
            gc.collect()
            return tracemalloc.get_traced_memory()[0], len(os.listdir("/proc/self/fd"))
        train(20_000); tracemalloc.start(); train(2_000); first = held()
        train(78_000); last = held()
        print(last[0] - first[0], last[1] - first[1])
    """
    begin = time.monotonic()
    observed = warm.observe([script(tmp_path, text)], run_dir=tmp_path / "run")
    assert time.monotonic() - begin < 120
    assert observed.view.steps == 100_000
    memory, files = map(int, capfd.readouterr().out.split())
    assert memory < 100_000
    assert files == 0
    assert sum(p.stat().st_size for p in (tmp_path / "run").iterdir()) < 8_000_000
