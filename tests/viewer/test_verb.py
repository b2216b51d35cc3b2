"""The verb: what it refuses, how it ends, and a real script watched while it trains."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.cli.main import main
from assay.testing.folders import write_run

SRC = Path(__file__).parents[2] / "src"
Start = Callable[..., "subprocess.Popen[str]"]

TRAIN = """\
import json, time
import torch

torch.set_num_threads(1)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x = torch.randn(16, 4)
for step in range(120):
    optimizer.zero_grad()
    model(x).square().mean().backward()
    optimizer.step()
    print(json.dumps([step, time.time()]), flush=True)
    time.sleep(0.05)
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts assay as a process of its own; none outlives the test."""
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    started: list[subprocess.Popen[str]] = []

    def run(*words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "assay", *words], cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", process.stdout.readline())
    assert found
    return found.group()


def test_ctrl_c_ends_it(start: Start, tmp_path: Path) -> None:
    write_run(tmp_path / ".assay" / "runs" / "one")
    process = start("view")
    with urllib.request.urlopen(address(process), timeout=300) as answer:
        assert b"one" in answer.read()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out, err) == (0, "", "assay: view ended\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nosuch"], "no folder nosuch: make a run with `assay check`, or name the folder"),
        ([], "no folder .assay/runs"),
        (["file"], "no folder file"),
        (["run"], "run is a run: name the folder it lies in"),
        (["--port", "0"], "--port must be a whole number from 1 to 65535, received '0'"),
        (["--port", "65536"], "received '65536'"),
        (["--port", "http"], "received 'http'"),
        (["--port", "²"], "received '²'"),
        (["--prot", "80"], "unknown option --prot; did you mean --port?"),
        (["a", "b"], "one word too many: 'b'"),
    ],
)
def test_bad_words(
    words: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    write_run(tmp_path / "run")
    with pytest.raises(SystemExit) as ended:
        main(["view", *words])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith("assay: ")
    assert err.count("\n") == 1
    assert says in err


def test_a_port_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["view", str(tmp_path), "--port", str(taken)])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"assay: --port: {taken} is in use: name another one\n"


def test_a_running_script_is_seen_within_two_seconds(start: Start, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "runs").mkdir()
    page = address(start("view", "runs"))
    training = start("run", "--run-dir", "runs", "train.py")

    def get(path: str) -> object:
        with urllib.request.urlopen(page + path, timeout=300) as answer:
            return json.load(answer)

    seen: dict[int, float] = {}
    since, run = -1, ""
    states = []
    end = time.monotonic() + 240
    while time.monotonic() < end and states[-1:] != ["ended"]:
        if not run:
            (run,) = [one["id"] for one in get("runs.json")] or [""]  # type: ignore[union-attr,index]
            time.sleep(0.1)
            continue
        answer = get(f"run/{run}/data?since={since}")
        assert isinstance(answer, dict)
        since = answer["since"]
        states.append(answer["state"])
        for panel in answer["panels"]:
            for line in panel["lines"] if panel["key"] == "loss" else []:
                for step in line["x"]:
                    seen.setdefault(step, time.time())
        time.sleep((answer["wait_ms"] or 0) / 1000)
    out, _ = training.communicate(timeout=300)
    done = dict(map(json.loads, out.splitlines()))
    assert states[0] == "running"
    assert states[-1] == "ended"
    assert set(seen) == set(done) == set(range(120))
    late = [seen[step] - done[step] for step in done if step > 0]
    assert max(late) < 2.0
