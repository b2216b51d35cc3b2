"""A study: which points were asked for and what came of them, kept in Optuna's journal file.

The folder of a study holds `journal.log` (Optuna's own storage, which its dashboard opens),
`study.json` (what was asked) and `sampler.pkl` (where the sampler's random numbers stand), so that
a study that is gone on with asks for the same points as one that was never ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from ..launch.errors import LaunchError
from .pruning import MARKS
from .samplers import make_sampler
from .space import Dimension, Point

NAME = "assay"
"""Of the study in its storage."""

_STATES: Mapping[TrialState, Literal["done", "pruned", "left"]] = {
    TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned",
}  # fmt: skip


_PRUNERS: Mapping[str, Callable[[], optuna.pruners.BasePruner]] = {
    "none": optuna.pruners.NopPruner,
    "median": optuna.pruners.MedianPruner,
    "asha": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=1, max_resource=MARKS - 1),
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One point and what came of it.

    Attributes:
        number: Of its trial in the study.
        state: `done`; `pruned`: it has no number, and `why` says so; `left`: not ended.
        value: The metric, lower is better; None unless done.
        why: Why it has none.
        own: It is the script's own setting.
        folder: Of its run.
    """

    number: int
    point: Point
    state: Literal["done", "pruned", "left"]
    value: float | None = None
    why: str = ""
    own: bool = False
    folder: str = ""
    seconds: float = 0.0


class Study:
    """Asks for points and is told what came of them.

    Args:
        folder: The study's, new or of a study that is gone on with.
        space: What is searched.
        sampler: One of `SAMPLERS`.
        seed: Of the sampler's random numbers.
        runs: How many points there will be at most.
        pruner: One of `PRUNERS`.
    """

    def __init__(
        self,
        folder: Path,
        space: Sequence[Dimension],
        sampler: str,
        seed: int,
        runs: int,
        pruner: str = "none",
    ) -> None:
        self.folder = folder
        self.prunes = pruner != "none"
        self._distributions = {d.name: d.distribution() for d in space}
        journal = str(folder / "journal.log")
        with _quiet():
            try:
                backend = JournalFileBackend(journal, lock_obj=JournalFileOpenLock(journal))
                self._storage = JournalStorage(backend)
                self._study = optuna.create_study(
                    storage=self._storage,
                    sampler=self._kept() or make_sampler(sampler, space, seed, runs),
                    pruner=_PRUNERS[pruner](),
                    study_name=NAME,
                    load_if_exists=True,
                )
            except ImportError as error:  # a sampler's own library
                raise LaunchError(f"--sampler {sampler}: {error}") from None
            except OSError as error:
                raise LaunchError(f"can't write {folder}: {error.strerror}") from None
        trials = self._study.get_trials(deepcopy=False)
        self._ids = {trial.number: trial._trial_id for trial in trials}
        left = [trial for trial in trials if trial.state == TrialState.RUNNING]
        self._left = [trial for trial in left if trial.params.keys() == self._distributions.keys()]
        for trial in left:
            if trial not in self._left:  # ended while it was being asked for
                self._study.tell(trial.number, state=TrialState.FAIL)

    def ask(self) -> tuple[int, Point]:
        """Returns the number of a trial and its point.

        Those come first that were running when another process ended, so that none is lost.
        """
        if self._left:
            old = self._left.pop(0)
            return old.number, old.params
        with _quiet():
            trial = self._study.ask(self._distributions)
        self._ids[trial.number] = trial._trial_id
        self._keep()
        return trial.number, trial.params

    def ask_for(self, point: Point) -> int:
        """Asks for this point, the script's own, and returns the number of its trial."""
        self._study.enqueue_trial(dict(point), user_attrs={"own": True})
        return self.ask()[0]

    def tell(self, number: int, value: float | None, why: str = "", **facts: Any) -> None:
        """Tells what came of a trial.

        Args:
            number: The trial's.
            value: The metric, lower is better; None for a trial that has none.
            why: Why it has none.
            facts: What else is kept of it.
        """
        for key, fact in {"why": why, **facts}.items():
            self._storage.set_trial_user_attr(self._ids[number], key, fact)
        with _quiet():
            if value is None:
                self._study.tell(number, state=TrialState.PRUNED)
            else:
                self._study.tell(number, value)
        self._keep()

    def report(self, number: int, step: int, value: float) -> None:
        """Tells what a trial has come to on its way; the same step once."""
        if step not in self._storage.get_trial(self._ids[number]).intermediate_values:
            self._storage.set_trial_intermediate_value(self._ids[number], step, value)

    def gives_up(self, number: int) -> bool:
        """Whether the pruner would end a trial that has come to what was reported last."""
        trial = self._storage.get_trial(self._ids[number])
        return bool(self._study.pruner.prune(self._study, trial))

    def tried(self) -> list[Tried]:
        """Returns all trials that have begun, in order."""
        return [
            Tried(
                trial.number,
                trial.params,
                _STATES.get(trial.state, "left"),
                trial.value if trial.state == TrialState.COMPLETE else None,
                str(trial.user_attrs.get("why", "")),
                bool(trial.user_attrs.get("own")),
                str(trial.user_attrs.get("folder", "")),
                float(trial.user_attrs.get("seconds", 0.0)),
            )
            for trial in self._study.get_trials(deepcopy=False)
            if trial.state not in (TrialState.WAITING, TrialState.FAIL)
        ]

    def remember(self, key: str, value: Any) -> None:
        """Keeps a fact of the whole study."""
        self._study.set_user_attr(key, value)

    def recall(self, key: str) -> Any:
        """Returns what was kept; None if nothing was."""
        return self._study.user_attrs.get(key)

    def _kept(self) -> optuna.samplers.BaseSampler | None:
        with contextlib.suppress(OSError, pickle.UnpicklingError, EOFError, ImportError):
            found = pickle.loads((self.folder / "sampler.pkl").read_bytes())
            if isinstance(found, optuna.samplers.BaseSampler):
                return found
        return None

    def _keep(self) -> None:
        path = self.folder / "sampler.pkl"
        draft = path.with_suffix(".tmp")
        try:
            draft.write_bytes(pickle.dumps(self._study.sampler))
            draft.replace(path)
        except OSError as error:
            raise LaunchError(f"can't write {path}: {error.strerror}") from None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps others from working on a study at the same time.

    Raises:
        LaunchError: Another process does.
    """
    try:
        file = (folder / "lock").open("w")
    except OSError as error:
        raise LaunchError(f"can't write {folder}: {error.strerror}") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LaunchError(f"another `assay tune` is at work on the study {folder}") from None
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what Optuna says of its own novelty from people who asked for a result."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Writes what was asked of a study.

    Raises:
        LaunchError: It can't be written.
    """
    path = folder / "study.json"
    try:
        path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"can't write {path}: {error.strerror}") from None


def read_facts(folder: Path) -> dict[str, Any] | None:
    """Returns what was asked of a study; None if there is none in this folder."""
    with contextlib.suppress(OSError, ValueError):
        facts = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        return facts if isinstance(facts, dict) else None
    return None
