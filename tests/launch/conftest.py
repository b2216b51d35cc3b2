"""Two ways to run the same words: plain Python, and under the launcher."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BOOT = HERE.parents[1] / "src" / "assay" / "launch" / "boot"


class Launcher:
    """Runs words plainly and under assay, in one working directory and one environment."""

    def __init__(self, folder: Path):
        self.cwd = folder / "work"
        self.run_dir = folder / "run"
        self.cwd.mkdir()
        self.env = {
            key: value
            for key, value in os.environ.items()
            if key not in ("PYTHONPATH", "ASSAY_RUN")
        }
        self.env["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])

    def script(self, text, name="train.py"):
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    def plain(self, *words):
        return list(words[1:]) if words[0] == "--" else [sys.executable, *words]

    def driven(self, *words, seconds=0, grace=10):
        drive = [sys.executable, str(HERE / "drive.py"), str(self.run_dir)]
        return [*drive, str(seconds), str(grace), *words]

    def start(self, argv, **options):
        pipe = subprocess.PIPE
        options = {"cwd": self.cwd, "env": self.env, "stdout": pipe, "stderr": pipe, **options}
        return subprocess.Popen(argv, text=True, start_new_session=True, **options)

    def finish(self, process):
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def run(self, argv, **options):
        return self.finish(self.start(argv, stdin=subprocess.DEVNULL, **options))

    def both(self, *words):
        """Run words both ways, hold them equal, and return (status, stdout, stderr)."""
        plain = self.run(self.plain(*words))
        driven = self.run(self.driven(*words))
        assert driven == plain
        return driven

    def both_signalled(self, number, *words, to_group):
        """The same, with a signal once the script has printed a line."""
        results = []
        for argv in (self.plain(*words), self.driven(*words)):
            process = self.start(argv)
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.2)  # it is asleep now, so the tracebacks show the same line
            (os.killpg if to_group else os.kill)(process.pid, number)
            results.append(self.finish(process))
        plain, driven = results
        assert driven == plain
        return driven

    @property
    def record(self):
        return json.loads((self.run_dir / "run.json").read_text())

    def boot_log(self):
        return "".join(path.read_text() for path in self.run_dir.glob("boot-*.log"))

    def wait_for(self, condition, seconds=240):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture(autouse=True)
def _signals_as_in_a_terminal():
    """Children inherit what is ignored: `nohup make test` and `make test &` must pass too."""
    numbers = [signal.SIGINT, signal.SIGQUIT, signal.SIGHUP]
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def launcher(tmp_path):
    return Launcher(tmp_path)


@pytest.fixture
def stub(launcher, tmp_path):
    """A bootstrap whose session only notes that it began, and a torch of three lines."""
    package = tmp_path / "stub" / "assay"
    boot = package / "launch" / "boot"
    boot.mkdir(parents=True)
    shutil.copy(BOOT / "sitecustomize.py", boot)
    (package / "__init__.py").write_text("")
    (package / "session.py").write_text(
        "import os, torch\n"
        "def begin(run):\n"
        "    with open(os.path.join(run, 'began'), 'a') as file:\n"
        "        print(os.getpid(), torch.ready, __name__, file=file)\n"
        "    if os.environ.get('STUB_FAILS'):\n"
        "        raise RuntimeError('planted')\n"
    )
    torch = tmp_path / "lib" / "torch"
    torch.mkdir(parents=True)
    (torch / "__init__.py").write_text("from . import nn\nready = True\n")
    (torch / "nn.py").write_text("")
    (torch / "tool.py").write_text("")
    return Stub(launcher, boot, torch)


class Stub:
    def __init__(self, launcher, boot, torch):
        self.launcher = launcher
        self.torch = torch
        self.boot = boot
        self.run_dir = launcher.run_dir
        self.run_dir.mkdir()
        launcher.env["PYTHONPATH"] = str(torch.parent)

    def both(self, text):
        """Run a script plainly and booted, hold them equal, and return the pids that began."""
        argv = self.launcher.plain(self.launcher.script(text))
        plain = self.launcher.run(argv)
        booted = self.launcher.run(argv, env=self.env)
        assert booted == plain
        return plain, self.began()

    @property
    def env(self):
        path = f"{self.boot}{os.pathsep}{self.torch.parent}"
        return {**self.launcher.env, "PYTHONPATH": path, "ASSAY_RUN": str(self.run_dir)}

    def began(self):
        file = self.run_dir / "began"
        lines = file.read_text().splitlines() if file.exists() else []
        assert all(line.endswith("True _assay.session") for line in lines)
        return [int(line.split()[0]) for line in lines]
