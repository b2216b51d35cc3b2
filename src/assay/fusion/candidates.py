"""Merges that are written aside, measured, and kept or not."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..launch.errors import LaunchError
from .asked import Asked
from .evaluating import Evaluation, placed
from .inside import ask_script
from .worker import Worker


class Candidates:
    """A folder of drafts beside the output, each measured once.

    Args:
        worker: Merges.
        asked: What is merged, and where the chosen one goes.
        evaluation: Measures; None if nothing does.
        calibrate: The command whose data refresh the running statistics of each merge.
        told: Is told of each measurement, in a line.
    """

    def __init__(
        self,
        worker: Worker,
        asked: Asked,
        evaluation: Evaluation | None,
        told: Callable[[str], object] = lambda line: None,
        *,
        calibrate: Sequence[str] | None = None,
        python: str | None = None,
    ) -> None:
        self._worker, self.asked, self.evaluation, self._told = worker, asked, evaluation, told
        self._calibrate, self._python = calibrate, python
        self._known: dict[str, float] = {}
        output = Path(asked.output or "merge.safetensors")
        self._suffix = output.suffix
        parent = output.parent if asked.output else None
        self._folder = tempfile.TemporaryDirectory(prefix=".assay-merge-", dir=parent)

    def __enter__(self) -> Candidates:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def draft(self, name: str = "merge", **changes: Any) -> tuple[str, dict[str, Any]]:
        """Merges into a draft, and returns its path and what was seen."""
        path = self._path(name)
        facts = self._worker.ask("merge", **self.asked.request(output=path, **changes))
        if self._calibrate is not None and facts["statistics"]:
            path, facts["batches"] = self._refreshed(path)
        return path, facts

    def align(self, words: Sequence[str]) -> list[dict[str, Any]]:
        """Has all inputs but the first stand with their units in the order of the first.

        Args:
            words: A command that calls the model; `{}` in it is the first input.

        Returns:
            For each of them how many units there are, and how many have moved.

        Raises:
            LaunchError: The script calls no such model, or the order of its units counts.
        """
        first, *others = self.asked.inputs
        key = self.asked.key
        names = self._worker.ask("names", input=first, key=key)["names"]
        spec = ask_script(
            placed(words, first), self._python, "--align", self._folder.name,
            {"do": "units", "names": names},
        )  # fmt: skip
        if not spec:
            raise LaunchError("--align: every set of units of this model must keep its order", 1)
        aligned, facts = [], []
        for i, other in enumerate(others, 1):
            path = self._path(f"aligned-{i}")
            facts.append(
                self._worker.ask("align", inputs=[first, other], output=path, spec=spec, key=key)
            )
            aligned.append(path)
        self.asked = dataclasses.replace(self.asked, inputs=(first, *aligned))
        return facts

    def _path(self, name: str) -> str:
        return str(Path(self._folder.name) / f"{name}{self._suffix}")

    def _refreshed(self, path: str) -> tuple[str, int]:
        assert self._calibrate is not None
        key = self.asked.key if not path.endswith(".safetensors") else None
        names = self._worker.ask("names", input=path, key=key)["names"]
        found = ask_script(
            self._calibrate, self._python, "--calibrate", self._folder.name,
            {"do": "statistics", "names": names, "checkpoint": path, "key": key},
        )  # fmt: skip
        output = self._path("refreshed")
        self._worker.ask("replace", input=path, tensors=found["path"], output=output, key=key)
        return output, int(found["batches"])

    def score(self, path: str, what: str = "") -> float:
        """Returns the metric of an input or a draft, lower is better."""
        assert self.evaluation is not None
        value = self.evaluation.of(path)
        self._told(f"{what or path}: {self.evaluation.shown(value):.5g}")
        return value

    def try_(self, **changes: Any) -> float:
        """Merges with some of it changed, and returns its metric."""
        key = repr(sorted(changes.items()))
        if key not in self._known:
            path, _ = self.draft("tried", **changes)
            self._known[key] = self.score(path, "a merge")
        return self._known[key]

    def keep(self, path: str) -> None:
        """Puts a draft where the output belongs."""
        assert self.asked.output is not None
        os.replace(path, self.asked.output)


def subset(asked: Asked, kept: Sequence[int]) -> dict[str, Any]:
    """Returns the changes of a request that merge only these of its inputs."""
    return {
        "inputs": [asked.inputs[i] for i in kept],
        "weights": [asked.weights[i] for i in kept],
    }
