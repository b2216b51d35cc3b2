"""Parent side: reads a run folder again and again while the run goes on, each line once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .reader import ProcessReader, read_account, started
from .view import RunView

_CHUNK = 1 << 23


class Follower:
    """What processes of a run have written so far.

    Args:
        folder: The run folder; what is not there yet is looked for again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journals: dict[Path, _Journal] = {}
        self._numbers: dict[tuple[Path, int], int] = {}

    def read(self) -> tuple[RunView, bool]:
        """Takes what is new.

        Returns:
            All that is known of the run, and whether a journal had anything new. Its series are
            those that later calls add to; a training keeps its number.

        Raises:
            OSError: The folder can't be read.
        """
        if any(journal.shrank() for journal in self._journals.values()):
            self._journals, self._numbers = {}, {}  # another run has taken the folder
        new = [p for p in self._folder.glob("journal-*.jsonl") if p not in self._journals]
        for path in sorted(new, key=started):
            self._journals[path] = _Journal(path)
        news = [journal.read() for journal in self._journals.values()]
        view = RunView()
        read_account(self._folder, view)
        for journal in self._journals.values():
            # one view a process: each of them may meet another optimizer at any time
            for training in journal.view.trainings:
                number = self._numbers.setdefault(
                    (journal.path, training.index), len(self._numbers)
                )
                view.trainings.append(replace(training, index=number))
            view.errors += journal.view.errors
            view.all_events += journal.view.all_events
            view.facts = {**journal.view.facts, **view.facts}
        return view, any(news)


class _Journal:
    """One process's journal, as far as it has been read."""

    def __init__(self, path: Path) -> None:
        self.view = RunView()
        self.path = path
        self._reader = ProcessReader(self.view, path)
        self._offset = 0

    def shrank(self) -> bool:
        try:
            return self.path.stat().st_size < self._offset
        except OSError:
            return True

    def read(self) -> bool:
        """Takes whole lines only: the last one may still be written."""
        before = self._offset
        with self.path.open("rb") as file:
            file.seek(self._offset)
            rest = b""
            while chunk := file.read(_CHUNK):
                whole, newline, rest = (rest + chunk).rpartition(b"\n")
                if newline:
                    self._offset += len(whole) + 1
                    self._reader.feed(_parsed(whole))
        return self._offset > before


def _parsed(data: bytes) -> Iterator[dict[str, Any]]:
    """Lines that can be read; the others are passed over."""
    for raw in data.split(b"\n"):
        try:
            line = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict):
            yield line
