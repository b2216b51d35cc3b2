"""For all tests: a browser and a process with torch, one of each; and Ctrl-C that works."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.testing import WarmRunner

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `make test &`: what tests start inherits it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmRunner]:
    """Runs scripts under assay without importing torch for each."""
    with WarmRunner() as runner:
        yield runner


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
