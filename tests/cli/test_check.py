"""`assay check` and `assay run` on real scripts: report, status, and the script's own output."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

Assay = Callable[..., "subprocess.CompletedProcess[str]"]
Script = Callable[..., str]


def test_the_cause_is_named_and_the_script_left_alone(
    launched: Assay, script: Script, tmp_path: Path
) -> None:
    done = launched("check", "--json", "report.json", script(), "--lr", "3")
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "✗ error: zero-grad-missing" in done.stderr
    assert "optimizer.step()" in done.stderr
    assert "\x1b" not in done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["findings"][0]["check"] == "zero-grad-missing"
    assert report["run"]["steps"] == 60
    assert report["run"]["command"][1:] == ["train.py", "--lr", "3"]
    again = launched("report")
    assert again.returncode == 0
    assert "✗ error: zero-grad-missing" in again.stdout
    assert again.stderr == ""


def test_json_on_standard_output_and_fail_on(assay: Assay, script: Script) -> None:
    words = ("check", "--steps", "12", "--json", "-", "--quiet", "--fail-on", "error", script())
    done = assay(*words)
    report = json.loads(done.stdout)  # the script was stopped before it printed
    assert done.returncode == 1
    assert report["run"]["steps"] == 12
    assert report["run"]["exit_code"] == 0
    assert done.stderr.startswith("✗ error: zero-grad-missing")
    assert "record:" not in done.stderr


def test_only_and_ignore(assay: Assay, script: Script, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.assay]\nignore = ["zero-grad-missing"]\nsteps = 15\nrun-dir = "kept"\n'
    )
    name = script()
    done = assay("check", "--json", "-", "--fail-on", "error", name)
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["run"]["steps"] == 15
    assert report["skipped"]["zero-grad-missing"] == "ignored, as asked"
    named = assay("check", "--only", "zero-grad-missing", "--fail-on", "error", name)
    assert named.returncode == 1  # named on the command line: wanted, whatever the file says
    assert len(list((tmp_path / "kept").iterdir())) == 2
    assert not (tmp_path / ".assay").exists()


def test_a_crash_in_the_middle(assay: Assay, script: Script) -> None:
    done = assay("check", script(ends="if step == 40: raise RuntimeError('middle')"))
    assert done.returncode == 1
    assert "RuntimeError: middle" in done.stderr
    assert "✗ the script ended with exit status 1 after 41 steps" in done.stderr
    assert "✗ error: zero-grad-missing" in done.stderr


def test_the_script_s_own_status_wins_over_fail_on(assay: Assay, script: Script) -> None:
    done = assay("check", "--fail-on", "error", script(ends="if step == 40: sys.exit(7)"))
    assert done.returncode == 7
    assert "zero-grad-missing" in done.stderr


def test_killed(launched: Assay, script: Script) -> None:
    ends = "if step == 40: import time; time.sleep(0.5)\n"
    ends += "    if step == 41: os.kill(os.getpid(), signal.SIGKILL)"
    done = launched("check", script(ends=ends))
    assert done.returncode == -signal.SIGKILL
    assert "the script was killed by SIGKILL after" in done.stderr
    assert "zero-grad-missing" in done.stderr


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("print(1)", 0, "not observed: the script never imported torch"),
        ("import nosuchmodule", 1, "ended with exit status 1 before it had imported torch"),
        ("x = = 1", 1, "ended with exit status 1 before it had imported torch"),
        ("import torch\nraise SystemExit(3)", 3, "exit status 3 before its first training step"),
        ("import torch\ntorch.nn.Linear(1, 1)", 0, "no backward pass and no optimizer step"),
        ("import torch\ntorch.nn.Linear(1, 1)(torch.ones(1, 1)).sum().backward()", 0,
         "backward passes were seen, but no optimizer step"),
    ],
)  # fmt: skip
def test_nothing_observed(
    text: str, status: int, says: str, launched: Assay, script: Script
) -> None:
    done = launched("check", "--quiet", script(text))
    assert done.returncode == status
    assert says in done.stderr
    assert "nothing wrong" not in done.stderr


def test_python_that_ignores_us(launched: Assay, script: Script) -> None:
    done = launched("check", "--", sys.executable, "-I", script("print(1)"))
    assert done.returncode == 0
    assert "not observed: assay never got into a Python process" in done.stderr


def test_run_says_one_line(assay: Assay, script: Script) -> None:
    done = assay("run", "--steps", "20", script())
    assert done.returncode == 0
    assert done.stderr == (
        "assay: stopped after step 20, as asked by --steps: 1 error, first zero-grad-missing; "
        "assay report shows them\n"
    )


def test_a_run_folder_that_vanishes_costs_the_report_and_nothing_else(
    launched: Assay, script: Script
) -> None:
    text = "import shutil; shutil.rmtree('.assay'); print('mine'); raise SystemExit(5)"
    done = launched("check", script(text))
    assert (done.returncode, done.stdout) == (5, "mine\n")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_json_file_on_a_full_disk(launched: Assay, script: Script) -> None:
    done = launched("check", "--json", "/dev/full", script("print(1)"))
    assert done.returncode == 2
    assert "assay: --json: can't write /dev/full: No space left on device" in done.stderr
    failed = launched("check", "--json", "/dev/full", script("raise SystemExit(9)"))
    assert failed.returncode == 9


def test_the_report_follows_within_two_seconds(
    launched: Assay, script: Script, tmp_path: Path
) -> None:
    name = script()
    text = (tmp_path / name).read_text().replace("range(60)", "range(200)")
    for _ in range(3):  # the machine may be busy with something else
        done = launched("check", script(text))
        now = datetime.now(timezone.utc)
        assert "200 steps in" in done.stderr
        account = max(tmp_path.glob(".assay/runs/*/run.json"))
        ended = datetime.fromisoformat(json.loads(account.read_text())["ended"])
        late = (now - ended).total_seconds()
        if late < 2.0:
            break
    assert late < 2.0


def test_in_a_terminal_the_report_has_colour(
    script: Script, tmp_path: Path, environment: dict[str, str]
) -> None:
    name = script("print(1)")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", "check", name],
        cwd=tmp_path, env={**environment, "TERM": "xterm-256color"},
        stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    seen = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        seen += chunk
    os.close(leader)
    assert process.wait() == 0
    assert b"\x1b[1;35mnot observed" in seen


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_goes_from_the_fault_to_the_diff(
    launched: Assay, assay: Assay, tmp_path: Path, environment: dict[str, str]
) -> None:
    environment["TMPDIR"] = str(tmp_path)
    done = launched("demo")
    assert done.returncode == 0
    for said in (
        "✗ error: zero-grad-missing",
        "✓ proved",
        "→ zero-grad",
        "✓ checked: a run with it gave the same losses as the trick, to the last bit",
        "\n  +            optimizer.zero_grad()\n               loss.backward()\n",
        "What just happened",
    ):
        assert said in done.stderr
    assert not (tmp_path / ".assay").exists()
    (demo,) = tmp_path.glob("assay-demo-*/train_digits.py")
    assert list(tmp_path.glob("assay-demo-*/trials/*/change.diff"))
    for advice in (f"assay fix --write {demo}", f"assay check {demo}"):
        assert advice in done.stderr
    assert "zero_grad" not in demo.read_text(), "nothing is edited unasked"
    # what the demo advises does mend it
    before = demo.read_text()
    written = assay("fix", "--write", "--seeds", "3", str(demo))
    assert written.returncode == 0, written.stderr
    assert f"  written    {demo.parent.name}/{demo.name}" in written.stderr
    sick = "            loss.backward()"
    assert demo.read_text() == before.replace(sick, f"            optimizer.zero_grad()\n{sick}")
    mended = assay("check", str(demo))
    assert "✓ nothing wrong found" in mended.stderr
    assert "test accuracy  9" in mended.stdout.splitlines()[-1]


def test_list_and_page(assay: Assay) -> None:
    listed = assay("checks").stdout.splitlines()
    assert any(line.startswith("zero-grad-missing\tgradient\terror\t") for line in listed)
    page = assay("explain", "zero-grad-missing").stdout
    assert page.startswith("# zero-grad-missing\n")
    for heading in ("## What it does", "## Evidence", "## References", "## Limits"):
        assert heading in page
    assert "- **samples**: 3 steps (" in page
    led_to = page.partition("## Leads to")[2].partition("##")[0]
    assert "`loss-not-decreasing`" in led_to
    caused_by = assay("explain", "loss-not-decreasing").stdout.partition("May be a symptom of")[2]
    assert "`zero-grad-missing`" in caused_by


def test_nobody_reads_on(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m assay checks | head -1 >/dev/null"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_disk_that_fills_up_in_the_middle(assay: Assay, script: Script) -> None:
    # no file may grow beyond 24 KiB: to the journal that is a full disk
    ends = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (24576, 24576))"
    done = assay("check", script(ends=ends))
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "✗ recording stopped: EFBIG: File too large" in done.stderr
    assert "record: .assay/runs/" in done.stderr
    assert "✗ error: zero-grad-missing" in done.stderr
