"""Parent side: reads a run folder again and again while the run goes on, each line once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .reader import ProcessReader, read_account, read_troubles, read_workers, started
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
        for process, journal in enumerate(self._journals.values()):
            # one view a process: each of them may meet another optimizer at any time
            self._add(view, journal, process)
        read_workers(self._folder / "workers.jsonl", view)
        read_troubles(self._folder, view)
        return view, any(news)

    def _add(self, view: RunView, journal: _Journal, process: int) -> None:
        """Adds what one process has written: places and numbers become those of the whole run."""
        own = journal.joined()

        def number(index: int | None) -> int | None:
            if index is None:
                return None
            return self._numbers.setdefault((journal.path, index), len(self._numbers))

        def place(index: int | None) -> int | None:
            return None if index is None else before + index

        before = len(view.optimizers)
        for training in own.trainings:
            index = number(training.index)
            assert index is not None
            events = [replace(e, training=index, process=process) for e in training.events]
            moved = replace(training, index=index, process=process, events=events)
            moved.built = place(training.built)
            view.trainings.append(moved)
        view.optimizers += [
            replace(o, training=number(o.training), process=process) for o in own.optimizers
        ]
        view.schedulers += [replace(s, optimizer=place(s.optimizer)) for s in own.schedulers]
        view.all_events += [
            replace(e, training=number(e.training), process=process) for e in own.all_events
        ]
        known = {module.name for module in view.modules}
        view.modules += [module for module in own.modules if module.name not in known]
        parameters = {parameter.name: parameter for parameter in view.parameters}
        for parameter in own.parameters:
            first = parameters.setdefault(parameter.name, parameter)
            if parameter.group is not None:  # the last process that trains it counts
                held = self._numbers[journal.path, parameter.group[0]], parameter.group[1]
                parameters[parameter.name] = replace(first, group=held)
        view.parameters = list(parameters.values())
        view.shared += own.shared
        view.errors += own.errors
        view.skipped = {**own.skipped, **view.skipped}
        view.failed = {**own.failed, **view.failed}
        _add_facts(view.facts, own.facts)


def _add_facts(facts: dict[str, Any], more: dict[str, Any]) -> None:
    """Adds the facts of one process to those of the run: sums, or what the first one said."""
    for key, value in more.items():
        if key == "processes":
            facts[key] = [*facts.get(key, ()), *value]
        elif key == "sources":
            known = facts.get(key, [])
            facts[key] = known + [path for path in value if path not in known]
        elif key == "versions":
            facts[key] = {**value, **facts.get(key, {})}
        elif key == "world":
            facts[key] = max(value, facts.get(key) or 1)
        elif key == "cost" and key in facts:
            known = facts[key]
            summed = {name: known[name] + value[name] for name in known.keys() - {"last"}}
            last = [each["last"] for each in (known, value) if "last" in each]
            facts[key] = {**summed, **({"last": max(last)} if last else {})}
        elif key == "asked" and key in facts:
            known = facts[key]
            summed = {name: known[name] + value[name] for name in ("times", "own_s")}
            facts[key] = {**value, **summed}
        elif key == "stopped":
            facts[key] = value
        else:
            facts.setdefault(key, value)


class _Journal:
    """One process's journal, as far as it has been read."""

    def __init__(self, path: Path) -> None:
        self.view = RunView()
        self.path = path
        self._reader = ProcessReader(self.view, path)
        self._offset = 0

    def joined(self) -> RunView:
        """Returns what has been read, each optimizer with its training and its parameters."""
        self._reader.join()
        return self.view

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
