"""The supervisor's own part: limits in time, commands that don't start, bad disks, threads."""

import os
import signal
import sys
import threading

import pytest

from assay.launch import LaunchError, RunFolder, run

TRAINS = (
    "import os, pathlib\n"
    "run = os.environ['ASSAY_RUN']\n"
    "pathlib.Path(run, 'journal-1.jsonl').touch()\n"
)


def test_a_child_that_does_not_stop_is_terminated(launcher):
    script = launcher.script(
        TRAINS + "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('told to stop'))\n"
        "time.sleep(60)\n"
    )
    result = launcher.run(launcher.driven(script, seconds=0.5, grace=0.5))
    assert result == (1, "", "told to stop\n")
    assert 1 <= launcher.record["seconds"] < 20


def test_a_child_that_will_not_stop_is_killed(launcher):
    script = launcher.script(
        TRAINS
        + "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)\n"
    )
    result = launcher.run(launcher.driven(script, seconds=0.5, grace=0.5))
    assert result == (0, "", ""), "it was asked for"
    assert launcher.record["signal"] == signal.SIGKILL


def test_a_child_in_time_is_left_alone(launcher, tmp_path):
    folder = RunFolder("run", tmp_path)
    outcome = run([sys.executable, "-c", ""], os.environ, folder, seconds=30)
    assert (outcome.exit_code, outcome.signal, outcome.overran) == (0, None, False)
    assert "assay-deadline" not in {thread.name for thread in threading.enumerate()}


def test_handlers_are_put_back(tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run([sys.executable, "-c", ""], os.environ, RunFolder("run", tmp_path))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_from_a_thread(tmp_path):
    outcomes = []
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    thread = threading.Thread(
        target=lambda: outcomes.append(run(command, os.environ, RunFolder("run", tmp_path)))
    )
    thread.start()
    thread.join(timeout=300)
    assert outcomes[0].exit_code == 3


def test_a_command_that_cannot_start(tmp_path):
    folder = RunFolder("run", tmp_path)
    with pytest.raises(LaunchError, match="No such file") as caught:
        run(["/nowhere/python"], os.environ, folder)
    assert caught.value.status == 127
    script = tmp_path / "no-shebang"
    script.write_text("x")
    script.chmod(0o755)
    with pytest.raises(LaunchError, match="Exec format") as caught:
        run([str(script)], os.environ, folder)
    assert caught.value.status == 126


def test_a_disk_that_filled_up_costs_one_line(launcher):
    fill = "import os; os.symlink('/dev/full', os.environ['ASSAY_RUN'] + '/.run.json.tmp')"
    status, _, err = launcher.run(launcher.driven(launcher.script(fill)))
    assert status == 0
    assert err == f"assay: can't write {launcher.run_dir}/run.json: No space left on device\n"
    assert launcher.record["id"] == "run"


def test_a_script_that_takes_its_run_folder_away(launcher):
    gone = "import os, shutil; shutil.rmtree(os.environ['ASSAY_RUN'])"
    status, _, err = launcher.run(launcher.driven(launcher.script(gone)))
    assert (status, err.count("\n")) == (0, 1)


def test_bad_words_end_before_the_start(launcher):
    assert launcher.run(launcher.driven("missing.py")) == (
        2,
        "",
        "assay: missing.py: no such file\n",
    )
    assert launcher.run(launcher.driven("--", "no-such-command"))[0] == 127
    assert not launcher.run_dir.exists()


def test_a_child_that_is_still_importing_is_left_alone(launcher):
    script = launcher.script("import time\ntime.sleep(4)\nprint('trained')\n")
    result = launcher.run(launcher.driven(script, seconds=0.5, grace=0.5))
    assert result == (0, "trained\n", "")


def test_a_child_that_never_trains_is_stopped_in_the_end(tmp_path):
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    run_folder = RunFolder("run", tmp_path)
    outcome = run(command, os.environ, run_folder, seconds=0.1, grace=0.5, starting=0.5)
    assert (outcome.exit_code, outcome.signal, outcome.overran) == (None, signal.SIGTERM, True)
