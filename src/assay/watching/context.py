"""What a probe may touch of the watch, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from ..journal.recorder import Recorder
from ..seams.events import verify
from ..seams.hub import Hub
from .clock import Clock
from .facts import Facts
from .names import Names
from .numbers import Numbers
from .sampling import Recording, Sampling
from .training import TrainingLog

if TYPE_CHECKING:
    from .probe import Probe

    Shared = TypeVar("Shared", bound=Probe)


class ProbeContext:
    """Lets one probe record, ask where the training is, listen for a while, and ask for time.

    Each probe has one of its own. Seams, the hub and the journal's file are not within reach: what
    a probe does is read and record.
    """

    __slots__ = ("_clock", "_facts", "_hub", "_listening", "_probe", "_sampling", "_shared")

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        facts: Facts,
        sampling: Sampling,
        shared: Callable[[type[Probe]], Probe],
    ) -> None:
        self._hub, self._clock, self._facts, self._sampling = hub, clock, facts, sampling
        self._shared = shared
        self._listening: dict[tuple[str, Callable[..., None]], Callable[..., None]] = {}
        self._probe: Probe | None = None

    def serve(self, probe: Probe) -> None:
        """Notes whose context this is."""
        self._probe = probe

    def shared(self, kind: type[Shared]) -> Shared:
        """Returns the one probe of this kind that others use, which hears of events before them.

        To be asked for by a probe as it is made.
        """
        probe = self._shared(kind)
        assert isinstance(probe, kind)
        return probe

    # -- recording --------------------------------------------------------------------------------

    def put(self, signal: str, place: str, value: float | torch.Tensor) -> None:
        """Records one number of the sampled iteration; the last one for a place counts."""
        self._facts.put(signal, place, value)

    def event(self, kind: str, training: TrainingLog | None = None, /, **data: Any) -> None:
        """Records one fact that is not a number, with the user's line."""
        self._facts.event(kind, training, **data)

    def event_once(self, kind: str, /, *key: Any, **data: Any) -> None:
        """Records a fact only the first time for this key."""
        self._facts.event_once(kind, *key, **data)

    def skip(self, what: str, why: str) -> None:
        """Records that something is not measured in this run, and why; once."""
        self._facts.skip(what, why)

    def line(self, kind: str, **facts: Any) -> None:
        """Writes a line of a kind of its own into the journal, such as `model` or `evaluation`."""
        self._facts.journal.put(kind, **facts)

    @property
    def folder(self) -> str:
        """The run's folder, for what a process writes that keeps no journal."""
        return self._facts.journal.folder

    def new_recorder(self) -> Recorder:
        """Returns a recorder for numbers of other steps than the one under way."""
        return Recorder(self._facts.journal)

    # -- where the training is --------------------------------------------------------------------

    @property
    def iteration(self) -> int:
        """The iteration under way, counted from 0."""
        return self._clock.iteration

    @property
    def sampling(self) -> bool:
        """Whether this iteration is sampled."""
        return self._sampling.active

    @property
    def is_thorough(self) -> bool:
        """Whether the batch of this sampled iteration may be computed again."""
        return self._sampling.plan.is_thorough(self._clock.iteration)

    @property
    def is_full(self) -> bool:
        """Whether what is slow and changes little is measured in this sample, too."""
        return self._sampling.plan.is_full(self._clock.iteration)

    @property
    def is_repeated(self) -> bool:
        """Whether the batch of this sample is computed again once its step is done."""
        return self._sampling.plan.is_repeated(self._clock.iteration)

    @property
    def is_opening(self) -> bool:
        """Whether this iteration lies in an opening window."""
        return self._sampling.plan.is_opening(self._clock.iteration)

    @property
    def opening(self) -> int:
        """Iterations of an opening window."""
        return self._sampling.plan.opening

    @property
    def opening_began(self) -> int:
        """The first iteration of the last opening window: each new optimizer has one."""
        return self._sampling.plan.began

    @property
    def in_closure(self) -> bool:
        """Whether an optimizer is calling its closure."""
        return self._clock.in_closure

    @property
    def in_later_call(self) -> bool:
        """Whether an optimizer is calling its closure again, to look at another point."""
        return self._clock.in_later_call

    @property
    def compiled(self) -> bool:
        """Whether torch.compile was called."""
        return self._sampling.compiled

    @property
    def grad_enabled(self) -> bool:
        """Whether the user has gradients on: a sampled listener itself runs without."""
        return self._sampling.grad_enabled

    @property
    def own_s(self) -> float:
        """Seconds that listeners took in this sampled iteration so far."""
        return self._sampling.own_s

    # -- what is trained --------------------------------------------------------------------------

    @property
    def names(self) -> Names:
        """Names of modules and parameters."""
        return self._facts.names

    @property
    def trainings(self) -> list[TrainingLog]:
        """All trainings so far, in the order of their first steps."""
        return self._facts.trainings

    @property
    def optimizers(self) -> Numbers:
        """Numbers of all optimizers that were built, also of those that never step."""
        return self._facts.optimizers

    @property
    def schedulers(self) -> Numbers:
        """Numbers of all schedulers that were built."""
        return self._facts.schedulers

    @property
    def scalers(self) -> Numbers:
        """Numbers of all GradScalers that were used."""
        return self._facts.scalers

    def training(self, optimizer: Any) -> TrainingLog:
        """Returns the training of this optimizer; a new one for an optimizer not met before."""
        return self._facts.training(optimizer)

    @property
    def training_alone(self) -> TrainingLog | None:
        """The one training that steps at this time, where another one came before it."""
        phases = self._clock.phases
        return phases.alone() if phases is not None else None

    def learn_names(self, optimizer: Any) -> None:
        """Finds the models whose parameters an optimizer holds, where no call has shown them."""
        self._facts.learn_names(optimizer)

    @property
    def recording(self) -> Recording | None:
        """What records the user's computations: paused while listeners of a sample run."""
        return self._sampling.recording

    @recording.setter
    def recording(self, recording: Recording | None) -> None:
        self._sampling.recording = recording

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Keeps what is computed inside out of that recording, in a listener that is always on."""
        recording = self._sampling.recording
        if recording is not None:
            recording.pause()
        try:
            yield
        finally:
            if recording is not None:
                recording.resume()

    def is_changed(self, *filters: str) -> bool:
        """Whether a trick changes what passes one of these filters, such as `loss`."""
        return any(self._hub.changes.filters[name] for name in filters)

    # -- listening for a while --------------------------------------------------------------------

    def listen(self, event: str, listener: Callable[..., None], *, first: bool = False) -> None:
        """Calls a listener at every such event until `unlisten`; its time is charged.

        Does nothing where it listens already. Unlike the methods of `sampled` it is called between
        samples too, and with gradients as the user has them.
        """
        if (event, listener) not in self._listening:
            assert self._probe is not None
            verify(event, listener)
            timed = self._sampling.timed(self._probe, listener)
            self._listening[event, listener] = timed
            self._hub.on(event, timed, first=first)

    def unlisten(self, event: str, listener: Callable[..., None]) -> None:
        """Calls it no more; does nothing where it does not listen."""
        timed = self._listening.pop((event, listener), None)
        if timed is not None:
            self._hub.off(event, timed)

    def silence(self) -> AbstractContextManager[None]:
        """Returns a context in which nothing is announced: for calls of torch that are ours."""
        return self._hub.silence()

    def aside(self) -> AbstractContextManager[None]:
        """Returns a context in which tricks leave calls of models alone: they are ours."""
        root = self._hub.changes.switches.get("root")
        context: AbstractContextManager[None] = root.aside() if root is not None else nullcontext()
        return context

    # -- time for dear measurements ---------------------------------------------------------------

    def grant(self, steps: float = 0.0, *, ahead: int = 0) -> bool:
        """Whether a dear measurement may be made now: there is time, and it is this probe's turn.

        Args:
            steps: What one costs, in steps of the training.
            ahead: In how many iterations it will be made.
        """
        assert self._probe is not None
        if self._probe.cost != "dear":
            raise TypeError(f"the probe {self._probe.name} asks for time and is not dear")
        at, plan = self.iteration + ahead, self._sampling.plan
        return plan.budget.grant(
            self._probe.name, at, began=plan.began, opening=self.is_opening, steps=steps
        )

    def spent(self, seconds: float) -> None:
        """Charges the sample with time that no listener of it took."""
        self._sampling.spent(seconds)

    def charge(self, began: float, steps: float | None = None) -> None:
        """Accounts for a measurement that was granted, and began at this `perf_counter()`.

        Args:
            began: When it did.
            steps: What it came to, where that is not what was asked for.
        """
        assert self._probe is not None
        seconds, opening = perf_counter() - began, self.is_opening
        self._sampling.budget.charge(self._probe.name, seconds, opening=opening, steps=steps)
