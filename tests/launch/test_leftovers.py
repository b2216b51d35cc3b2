"""What a run has left behind is ended, and nothing else."""

import os
import subprocess
import sys

import pytest

from assay.launch.leftovers import kill_leftovers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc shows environments")


def test_processes_of_a_run_are_ended_in_whatever_session_they_are(tmp_path):
    def sleeping(run):
        env = {**os.environ, "ASSAY_RUN": str(run)}
        return subprocess.Popen(["sleep", "60"], env=env, start_new_session=True)

    mine, longer = sleeping(tmp_path / "a"), sleeping(tmp_path / "ab")
    try:
        assert kill_leftovers(tmp_path / "a") == [mine.pid]
        assert mine.wait(30) == -9
        assert longer.poll() is None
    finally:
        longer.kill()
        longer.wait()
