"""The browser of all tests that look at pages: a process may hold only one driver."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


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
