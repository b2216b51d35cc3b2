"""A study: which points were asked for and what came of them, kept in Optuna's own storage.

The folder of a study holds `journal.log` (Optuna's own, which its dashboard opens), `study.json`
(what was asked) and `sampler.pkl` (where the sampler's random numbers stand), so that a study that
is gone on with asks for the same points as one that was never ended. Several processes may work on
it: they ask and tell in turn, and the point of one that died is handed to the next who asks.
"""

from __future__ import annotations

import contextlib
import pickle
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from ..launch.errors import LaunchError
from ..launch.processes import kill_group
from .pruners import make_pruner
from .samplers import make_sampler
from .space import Dimension, Point
from .storage import close_storage, open_storage
from .workers import InFolder, OnServer, Workers

NAME = "assay"
"""Of the study in its folder's storage."""

_STATES: Mapping[TrialState, Literal["done", "pruned", "left"]] = {
    TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tried:
    """One point and what came of it.

    Attributes:
        number: Of its trial in the study.
        state: `done`; `pruned`: it has no number, and `why` says so; `left`: not ended.
        values: The metrics, lower is better; empty unless done.
        why: Why it has none.
        own: It is the script's own setting.
        folder: Of its run.
    """

    number: int
    point: Point
    state: Literal["done", "pruned", "left"]
    values: tuple[float, ...] = ()
    why: str = ""
    own: bool = False
    folder: str = ""
    seconds: float = 0.0

    @property
    def value(self) -> float | None:
        """The first metric; None unless done."""
        return self.values[0] if self.values else None


class Study:
    """Asks for points and is told what came of them.

    Args:
        folder: The study's, new or of a study that is gone on with.
        space: What is searched.
        sampler: One of `SAMPLERS`.
        seed: Of the sampler's random numbers.
        runs: How many points there will be at most.
        pruner: One of `PRUNERS`.
        address: Of a server on which it is kept; None: in its folder.
        higher: Of each metric whether higher is better, as Optuna is told.
    """

    def __init__(
        self,
        folder: Path,
        space: Sequence[Dimension],
        sampler: str,
        seed: int,
        runs: int,
        pruner: str = "none",
        address: str | None = None,
        higher: Sequence[bool] = (False,),
    ) -> None:
        self.folder, self._higher = folder, tuple(higher)
        self.pruner = pruner
        self._distributions = {d.name: d.distribution() for d in space}
        self._storage = open_storage(folder, address)
        name = NAME if address is None else folder.name
        self._sampler_of: tuple[int, int] | None = None
        with _quiet():
            try:
                self._study = optuna.create_study(
                    storage=self._storage,
                    sampler=self._kept() or make_sampler(sampler, space, seed, runs),
                    pruner=make_pruner(pruner),
                    study_name=name,
                    directions=["maximize" if large else "minimize" for large in higher],
                    load_if_exists=True,
                )
            except ImportError as error:  # a sampler's own library
                raise LaunchError(f"--sampler {sampler}: {error}") from None
            except OSError as error:
                raise LaunchError(f"can't write {folder}: {error.strerror}") from None
        self._workers: Workers = InFolder(folder)
        if isinstance(self._storage, RDBStorage):
            self._workers = OnServer(self._storage.engine, name, self.remember, self.recall)
            if self._stamp() is None and self._study.get_trials(deepcopy=False):
                self._study.sampler.reseed_rng()  # another machine began with this seed
        self._ids: dict[int, int] = {}

    def ask(self) -> tuple[int, Point]:
        """Returns the number of a trial and its point.

        Those come first that were running when their process ended, so that none is lost.
        """
        found = self.ask_within(None)
        assert found is not None
        return found

    def ask_within(self, most: int | None) -> tuple[int, Point] | None:
        """Returns the same; None where so many points have been asked for and none is left."""
        self._workers.join()
        with self._workers.turn(), _quiet():
            trials = self._study.get_trials(deepcopy=False)
            for trial in trials:
                if trial.state == TrialState.RUNNING and self._take_over(trial):
                    return trial.number, trial.params
            begun = sum(t.state not in (TrialState.FAIL, TrialState.WAITING) for t in trials)
            if most is not None and begun >= most:
                return None
            self._catch_up()
            asked = self._study.ask(self._distributions)
            self._ids[asked.number] = asked._trial_id
            self._own(asked._trial_id)
            self._keep()
        return asked.number, asked.params

    def ask_for(self, point: Point) -> int:
        """Asks for the script's own point, and returns the number of its trial."""
        with self._workers.turn():
            self._study.enqueue_trial(dict(point), user_attrs={"own": True})
        return self.ask()[0]

    def tell(
        self, number: int, values: float | Sequence[float] | None, why: str = "", **facts: Any
    ) -> None:
        """Tells what came of a trial; not of one that was handed to another meanwhile.

        Args:
            number: The trial's.
            values: The metric, or all of them, lower is better; None for a trial without.
            why: Why it has none.
            facts: What else is kept of it.
        """
        with self._workers.turn(), _quiet():
            trial = self._storage.get_trial(self._ids[number])
            owner = trial.user_attrs.get("worker")
            if trial.state.is_finished() or owner != self._workers.name:
                return
            # in one piece: each write waits for the disk, and a kill between two would part them
            self._storage.set_trial_user_attr(self._ids[number], "told", {"why": why, **facts})
            self._catch_up()
            if values is None:
                self._study.tell(number, state=TrialState.PRUNED)
            else:
                told = (values,) if isinstance(values, (int, float)) else values
                self._study.tell(number, list(self._signed(told)))
            self._keep()

    def runs_in(self, number: int, pid: int, since: str) -> None:
        """Notes which process runs a trial, so that it ends if its trial is handed to another."""
        process = [socket.gethostname(), pid, since]
        self._storage.set_trial_user_attr(self._ids[number], "process", process)

    @property
    def worker(self) -> str:
        """The name under which this process works."""
        return self._workers.name

    def busy(self) -> bool:
        """Whether another process has a trial under way, or had when it died."""
        return any(
            trial.state == TrialState.RUNNING and trial.user_attrs.get("worker") != self.worker
            for trial in self._study.get_trials(deepcopy=False)
        )

    def leave(self) -> None:
        """Ends the work of this process; what it has not told is handed to others."""
        self._workers.leave()
        close_storage(self._storage)

    def _take_over(self, trial: FrozenTrial) -> bool:
        """Makes the trial of a worker that is dead ours; one that was not whole is ended."""
        if self._workers.lives(str(trial.user_attrs.get("worker"))):
            return False
        self._ids[trial.number] = trial._trial_id
        if trial.params.keys() != self._distributions.keys():
            self._study.tell(trial.number, state=TrialState.FAIL)
            return False
        host, pid, since = trial.user_attrs.get("process") or ("", 0, "")
        if host == socket.gethostname():
            kill_group(pid, since)
        self._own(trial._trial_id)
        return True

    def _own(self, trial: int) -> None:
        self._storage.set_trial_user_attr(trial, "worker", self._workers.name)

    def report(self, number: int, step: int, value: float) -> None:
        """Tells what a trial has come to on its way; the same step once."""
        if step not in self._storage.get_trial(self._ids[number]).intermediate_values:
            self._storage.set_trial_intermediate_value(
                self._ids[number], step, *self._signed((value,))
            )

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
                self._signed(trial.values) if trial.state == TrialState.COMPLETE else (),
                str(told.get("why", "")),
                bool(trial.user_attrs.get("own")),
                str(told.get("folder", "")),
                float(told.get("seconds", 0.0)),
            )
            for trial in self._study.get_trials(deepcopy=False)
            for told in [trial.user_attrs.get("told", {})]
            if trial.state not in (TrialState.WAITING, TrialState.FAIL)
        ]

    def _signed(self, values: Sequence[float]) -> tuple[float, ...]:
        """Returns values as Optuna has them, or back: what is made large has another sign here."""
        pairs = zip(values, self._higher, strict=True)
        return tuple(-value if large else value for value, large in pairs)

    def remember(self, key: str, value: Any) -> None:
        """Keeps a fact of the whole study."""
        self._study.set_user_attr(key, value)

    def recall(self, key: str) -> Any:
        """Returns what was kept; None if nothing was."""
        return self._study.user_attrs.get(key)

    def _catch_up(self) -> None:
        """Goes on where the sampler of another process stands, if one has asked since."""
        if self._sampler_of != self._stamp():
            self._study.sampler = self._kept() or self._study.sampler

    def _kept(self) -> optuna.samplers.BaseSampler | None:
        stamp = self._stamp()
        with contextlib.suppress(OSError, pickle.UnpicklingError, EOFError, ImportError):
            found = pickle.loads((self.folder / "sampler.pkl").read_bytes())
            if isinstance(found, optuna.samplers.BaseSampler):
                self._sampler_of = stamp
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
        self._sampler_of = self._stamp()

    def _stamp(self) -> tuple[int, int] | None:
        with contextlib.suppress(OSError):
            known = (self.folder / "sampler.pkl").stat()
            return known.st_ino, known.st_mtime_ns
        return None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps to itself what Optuna says of its own novelty."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
