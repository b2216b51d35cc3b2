"""What is known of learning-rate schedulers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .numbers import from_json
from .series import Series

if TYPE_CHECKING:
    from .view import Site


@dataclass(frozen=True, slots=True)
class StepLine:
    """A line that steps a scheduler: how often, and how often right after another line did.

    Two such calls are `together` where the optimizer took no step between them. The line is the
    script's `own` where it calls a `step`: a framework may do that within `fit`.
    """

    site: Site
    count: int
    together: int
    own: bool = True


@dataclass(slots=True)
class Scheduler:
    """One learning-rate scheduler.

    `kind` is its class, `of` torch's own one that it derives from. `settings` are the plain numbers
    and words that it was built with, `given` those that the function of a LambdaLR was given or
    closes over (`argument` is the name of what it is given), `base` the rates that it starts from,
    `first` those of the optimizer once it was built, `start` where in its schedule it began (not 0
    for one that goes on with an older one). `optimizer` is its optimizer's place in
    `RunView.optimizers`, `parts` are schedulers that it steps itself (each is `held`); of one with
    its `own_step` calls may not have been heard.

    `counts` has how often it had stepped, `positions` where in its schedule it stood, `metrics`
    what it was given then (a plateau), and `passes` how many passes over the training data had
    begun, all by the steps that its optimizer had taken; `lines` are those that step it.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    site: Site | None = None
    optimizer: int | None = None
    of: str = ""
    given: Mapping[str, float] = field(default_factory=dict)
    argument: str = ""
    base: tuple[float, ...] = ()
    first: tuple[float, ...] = ()
    start: float | None = 0.0
    own_step: bool = False
    held: bool = False
    parts: tuple[Scheduler, ...] = ()
    lines: tuple[StepLine, ...] = ()
    counts: Series = field(default_factory=Series)
    positions: Series = field(default_factory=Series)
    metrics: Series = field(default_factory=Series)
    passes: Series = field(default_factory=Series)
    rank: int = 0

    @classmethod
    def read(cls, line: Mapping[str, Any], site: Site | None) -> Scheduler:
        """Returns the scheduler that a line of the journal tells of, built at this site."""
        start = line.get("position")
        return cls(
            kind=line["cls"],
            of=line.get("of") or line["cls"],
            settings=line["settings"],
            given=line.get("given") or {},
            argument=line.get("argument") or "",
            base=tuple(map(from_json, line.get("base") or ())),
            first=tuple(map(from_json, line.get("first") or ())),
            start=None if start is None else from_json(start),
            own_step=bool(line.get("own_step")),
            site=site,
        )

    @property
    def steps(self) -> int:
        """How often it has stepped."""
        return int(self.counts.values[-1]) if len(self.counts) else 0

    @property
    def step_site(self) -> Site | None:
        """The line of its first step; None where a framework steps it."""
        return self.lines[0].site if self.lines and self.lines[0].own else None
