"""What a check may see of a run: the same live, after a crash, from a journal or from a test."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, overload

from .events import EVENTS, SiteRow
from .schedulers import Scheduler
from .schema import Data, EventKind
from .series import EMPTY, Series
from .signals import SIGNALS

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Site:
    """A line of the user's own code."""

    file: str
    line: int
    function: str = ""

    @staticmethod
    def read(row: SiteRow | None) -> Site | None:
        """Returns the line that the journal, or the data of an event, names."""
        return Site(str(row[0]), int(row[1]), str(row[2])) if row else None

    def __str__(self) -> str:
        return f"{self.file.rsplit('/', 1)[-1]}:{self.line}"


@dataclass(frozen=True, slots=True)
class Event(Generic[Data]):
    """One fact that is not a number: what happened, at which step, on whose line.

    `data` has the type that the event's kind is declared with.
    """

    kind: str
    step: int
    data: Data
    site: Site | None = None
    iteration: int = 0
    training: int | None = None
    process: int = 0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a root module. `group` is (training index, group index) of its optimizer."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    trainable: bool = True
    group: tuple[int, int] | None = None

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        product = 1
        for size in self.shape:
            product *= size
        return product

    @property
    def module(self) -> str:
        """Name of the module that owns it."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Module:
    """One module below a root; a root's own name is its class.

    `site` is the line that built it; `settings` are numbers that its weights don't show: dropout's
    `p`, a norm's `eps` and `momentum`, `batch_first`.
    """

    name: str
    kind: str
    training: bool = True
    site: Site | None = None
    settings: Mapping[str, float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shared:
    """One parameter, buffer or module that stands at several places of a model."""

    kind: Literal["parameter", "buffer", "module"]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One parameter group of an optimizer, with its settings when it was first seen."""

    index: int
    parameters: tuple[str, ...]
    settings: Mapping[str, Any]
    elements: int = 0


@dataclass(slots=True)
class BuiltOptimizer:
    """One optimizer that a process built, whether or not it ever stepped.

    While it has not stepped, its backward passes are looked at on sampled iterations: `passes` of
    them, `with_gradient` of which left a gradient in `waiting_count` parameters (`waiting`: names
    of the first, where known) that no optimizer that steps holds. `backward` is the line of the
    last such pass, `in_training` whether a model was in training mode then, `moved` whether the
    weights changed all the same. `training` is the index of its training once it has stepped.
    """

    number: int
    optimizer: str
    site: Site | None = None
    counts: tuple[int, ...] = ()
    elements: int = 0
    passes: int = 0
    with_gradient: int = 0
    waiting: tuple[str, ...] = ()
    waiting_count: int = 0
    backward: Site | None = None
    in_training: bool | None = None
    moved: bool | None = None
    training: int | None = None
    rank: int = 0
    process: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process of a data loader, when it was ready for its first sample.

    `states` has a number for each random state that it may draw from (`random`, `torch`, `numpy`,
    and generators that the data set holds: `dataset.rng`); equal numbers are equal states. Workers
    of one `group` were started together. `drawn` are those that the data set mentions where it
    makes a sample; none of a data set that is iterated.
    """

    index: int
    group: tuple[int, int]
    states: Mapping[str, int]
    drawn: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation phase: mean loss and accuracy over the batches seen with gradients off.

    A loss that is not a number is None, as is the accuracy of a loss without classes.
    """

    step: int
    function: str
    loss: float | None
    accuracy: float | None
    samples: int


@dataclass(slots=True)
class Training:
    """What is known of one optimizer's training. Weights changed by hand have optimizer "".

    `site` is where the optimizer was built, `step_site` where its first step was taken. `process`
    numbers the run's processes in the order in which they started, `built` is the optimizer's place
    in `RunView.optimizers` (None in an old journal, or if it was built before the watch). `began`
    is the iteration of its process in which it took its first step.
    """

    index: int
    optimizer: str = ""
    built: int | None = None
    site: Site | None = None
    step_site: Site | None = None
    groups: tuple[Group, ...] = ()
    began: int = 0
    steps: int = 0
    rank: int = 0
    process: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    signals: dict[str, dict[str, Series]] = field(default_factory=dict)
    events: list[Event[Any]] = field(default_factory=list)

    def add_evaluation(self, evaluation: Evaluation) -> None:
        """Adds a phase to the evaluations, and its numbers to their signals."""
        self.evaluations.append(evaluation)
        loss = math.nan if evaluation.loss is None else evaluation.loss
        for name, value in (("loss", loss), ("accuracy", evaluation.accuracy)):
            if value is not None:
                places = self.signals.setdefault(f"evaluation_{name}", {})
                places.setdefault(evaluation.function, Series()).append(evaluation.step, value)

    def series(self, signal: str, place: str = "") -> Series:
        """Returns the series of a signal at a place; empty if it was not measured.

        Raises KeyError for a name that is not declared in `SIGNALS`: a misspelt signal would look
        like a healthy one.
        """
        return self.signals.get(SIGNALS[signal].name, {}).get(place, EMPTY)

    def places(self, signal: str) -> tuple[str, ...]:
        """Returns where this signal was measured, in the order in which it was met.

        Raises KeyError for a name that is not declared.
        """
        return tuple(self.signals.get(SIGNALS[signal].name, ()))

    def __str__(self) -> str:
        return f"{self.optimizer or 'by hand'} #{self.index}"


@dataclass(slots=True)
class RunView:
    """One run as it is known so far: what checks, diagnosis and reports read.

    Those who make it write into it while it grows: the reader of a journal, `observe` and the
    notebook, which add how the run ended, and tests. To checks it is read-only by convention, not
    a frozen copy: a live run would have to be copied for each look.

    `failed` holds the first error of each probe that raised one, by the probe's name; `skipped` why
    something is not measured, by the name of a signal, an event or a probe.

    `trainings` has one entry for each optimizer that stepped, in each process that trained. Series
    of modules and inputs stand with the training whose step ended the iteration.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    trainings: list[Training] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
    optimizers: list[BuiltOptimizer] = field(default_factory=list)
    schedulers: list[Scheduler] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    all_events: list[Event[Any]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    memo: dict[Any, Any] | None = None
    """What was worked out of the run so far, while it is diagnosed and so does not change."""
    _by_kind: dict[str, list[Event[Any]]] = field(default_factory=dict, repr=False, compare=False)
    _sorted: tuple[list[Event[Any]], int] = field(default=([], 0), repr=False, compare=False)

    @overload
    def events(self, kind: EventKind[Data]) -> Iterator[Event[Data]]: ...
    @overload
    def events(self, kind: str) -> Iterator[Event[Any]]: ...
    def events(self, kind: EventKind[Any] | str) -> Iterator[Event[Any]]:
        """Returns all events of a kind, in order.

        Given the declaration, the events' data are typed; given a name that is not declared, it
        raises KeyError.
        """
        name = EVENTS[kind if isinstance(kind, str) else kind.name].name
        events, count = self._sorted
        if events is not self.all_events or len(events) < count:
            self._by_kind, count = {}, 0
        for event in self.all_events[count:]:
            self._by_kind.setdefault(event.kind, []).append(event)
        self._sorted = self.all_events, len(self.all_events)
        return iter(tuple(self._by_kind.get(name, ())))

    def remembered(self, key: Any, work_out: Callable[[], Result]) -> Result:
        """Returns what is worked out of the run: once for each key while it is diagnosed."""
        if self.memo is None:
            return work_out()
        if key not in self.memo:
            self.memo[key] = work_out()
        found: Result = self.memo[key]
        return found

    def parameter(self, name: str) -> Parameter | None:
        """Returns the parameter of this name."""
        return next((p for p in self.parameters if p.name == name), None)

    def module(self, name: str) -> Module | None:
        """Returns the module of this name."""
        return next((m for m in self.modules if m.name == name), None)

    @property
    def observed(self) -> bool:
        """Whether at least one training step was seen."""
        return any(training.steps for training in self.trainings)

    @property
    def steps(self) -> int:
        """Steps of the longest training."""
        return max((training.steps for training in self.trainings), default=0)
