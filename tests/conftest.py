"""For all tests: a browser and a process with torch, one of each; and Ctrl-C that works."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assay.checks.registry import CHECKS
from assay.launch.supervisor import Outcome
from assay.testing import WarmRunner
from assay.testing.reads import reads_held

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `make test &`: what tests start inherits it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _reads_held() -> Iterator[None]:
    """In no test may a check read a signal or an event that it does not declare."""
    with reads_held(CHECKS):
        yield


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmRunner]:
    """Runs scripts under assay without importing torch for each."""
    with WarmRunner() as runner:
        yield runner


@pytest.fixture
def assay_here(
    warm: WarmRunner,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs a command line in this process, and its scripts warm: what a process of its own says."""
    from assay import observe
    from assay.cli import deepening, lr, main, trying, watching
    from assay.trials.child import Command

    def supervise(*given: Any) -> Outcome:
        outcome = warm.run(*given)
        assert outcome.signal is None, "this process would end by that signal too"
        return outcome

    def run(*words: str, cwd: Path = tmp_path) -> "subprocess.CompletedProcess[str]":
        monkeypatch.chdir(cwd)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main(list(words))
        return subprocess.CompletedProcess(words, ended.value.code or 0, *capfd.readouterr())

    for variable in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "ASSAY_RUN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(watching, "observe", partial(observe.observe, supervise=supervise))
    for module in (lr, trying, deepening):
        monkeypatch.setattr(module, "Command", partial(Command, spawn=warm.spawn))
    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium: the machine's own, or the one that Playwright has installed."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        own = next(filter(None, map(shutil.which, CHROMIUM)), None)
        if own is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium on this machine: `make browser` installs it where it can")
        alone = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(
            executable_path=own, args=[*alone, "--disable-dev-shm-usage"]
        )
        yield started
        started.close()
