"""A watched process without a process: seams and some probes around code of the test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from assay import seams
from assay.journal.reader import read_run
from assay.journal.view import RunView
from assay.journal.writer import Journal
from assay.watching import budget, sampling
from assay.watching.probe import Probe
from assay.watching.watch import Watch

sys.path.insert(0, str(Path(__file__).parent))  # `from references import ...`


class Watched:
    """What a `with watched(...)` block leaves: the view, and the watch itself."""

    view: RunView
    watch: Watch


Watching = Callable[..., AbstractContextManager[Watched]]


@pytest.fixture
def watched(tmp_path: Path) -> Watching:
    """`with watched(Probe, ...) as seen:` puts seams and probes in place, and takes them away."""
    number = 0

    @contextmanager
    def watching(*probes: type[Probe], **settings: Any) -> Iterator[Watched]:
        nonlocal number
        number += 1
        torch.set_num_threads(1)
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        journal, errors = Journal(str(folder)), []
        hub = seams.Hub(lambda where, error, by: errors.append((where, error)))
        seen = Watched()
        seen.watch = Watch(hub, journal, settings)
        patches = seams.install(hub)
        try:
            seen.watch.attach(probes)
            yield seen
        finally:
            patches.undo()
            seen.watch.finish()
            journal.close()
        seen.view = read_run(folder)
        assert errors == []
        assert seen.view.errors == []

    return watching


@pytest.fixture
def no_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that is busy the opening would end early and slow samples would be suspended."""
    monkeypatch.setattr(budget, "OPENING_S", 1e9)
    monkeypatch.setattr(sampling, "OWN_S_AT_MOST", 1e9)
