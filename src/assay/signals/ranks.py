"""Ranks of one training side by side: on which steps they agree, and which of them differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..journal.events import REPLICATED, Replicated
from ..journal.view import Event, RunView, Training

CANCELS = 1e-2
"""Sums are written with seven digits: of one a hundred times smaller than its terms five are left,
which is what `is_about` asks for."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """One training as each rank took it, in the order of the ranks; two of them at least."""

    trainings: tuple[Training, ...]

    @property
    def first(self) -> Training:
        """The training as the lowest rank took it."""
        return self.trainings[0]

    @property
    def processes(self) -> tuple[int, ...]:
        """The processes that took it."""
        return tuple(training.process for training in self.trainings)

    def common(self, signal: str, place: str = "") -> list[tuple[int, tuple[float, ...]]]:
        """Returns the steps at which every rank has a signal, each with its values by rank."""
        rows = [training.series(signal, place) for training in self.trainings]
        return [
            (step, values)
            for step in rows[0].steps
            if all(row.has(step) for row in rows)
            and (values := tuple(row.at(step) for row in rows))
        ]

    def alike(self, signal: str) -> dict[int, bool]:
        """Returns, by step, whether a number for the bits of something is the same on all ranks."""
        return {step: len(set(values)) == 1 for step, values in self.common(signal)}

    def differing(self, values: Sequence[float]) -> tuple[int, ...]:
        """Returns the ranks whose value is another than that of most, or than the lowest rank's."""
        counts = Counter(values)
        usual = max(counts, key=lambda value: (counts[value], value == values[0]))
        return tuple(
            training.rank
            for training, value in zip(self.trainings, values, strict=True)
            if value != usual
        )

    def part_of_sum(self) -> dict[int, float]:
        """Returns, by step, the gradient that was used as a part of the sum of the ranks' own.

        An average is one over the number of ranks: of gradients that the script averages, and of
        those that backward() averages (each rank has the average then). Of steps with one backward
        pass of a loss that nobody scaled; found by sums over elements, which are linear.
        """
        used = dict(self.common("grad_sum"))
        parts = {}
        for step, own in self.common("local_grad_sum"):
            whole, size = sum(own), max(abs(value) for value in own)
            single = all(t.series("backward_passes").at(step) == 1 for t in self.trainings)
            scaled = any(t.series("scaled_passes").at(step) > 0 for t in self.trainings)
            # a sum of terms that cancel is known to their rounding only
            if step in used and single and not scaled and abs(whole) > CANCELS * size:
                parts[step] = used[step][0] / whole
        return parts

    def parameters_apart(self, step: int) -> list[str]:
        """Returns the parameters whose norm differs between ranks before a step."""
        return [
            place
            for place in self.first.places("weight_norm")
            if len({training.series("weight_norm", place).at(step) for training in self.trainings})
            > 1
        ]


def side_by_side(run: RunView) -> Iterator[Ranks]:
    """Yields each training of a run of several ranks that hold the same parameters.

    The n-th optimizer of each process drives the same training. Of several processes with one rank
    (a restart) the last counts.
    """
    if int(run.facts.get("world") or 1) < 2:
        return
    last: dict[int, int] = {}
    own: dict[int, list[Training]] = {}
    for training in run.trainings:
        own.setdefault(training.process, []).append(training)
        last[training.rank] = max(last.get(training.rank, 0), training.process)
    rows = [own[process] for _, process in sorted(last.items())]
    if len(rows) < 2:
        return
    for trainings in zip(*rows, strict=False):
        held = {tuple(sorted(training.places("grad_norm"))) for training in trainings}
        if len(held) == 1 and all(training.steps for training in trainings):
            yield Ranks(trainings)


def wrapped(run: RunView, ranks: Ranks) -> Event[Replicated] | None:
    """Returns what tells of the wrapper that averages these ranks' gradients; None without one.

    One whose gradients go through a function of the script's own is none: it may leave them apart
    on purpose.
    """
    found = [event for event in run.events(REPLICATED) if event.training in _indices(ranks)]
    sound = [event for event in found if event.data["hook"] is None]
    whole = all(event.data["world"] == len(ranks.trainings) for event in sound)
    if not whole or len({event.training for event in sound}) < len(ranks.trainings):
        return None
    return sound[0]


def together(run: RunView, training: Training) -> int:
    """Returns how many ranks a DistributedDataParallel has take this training; 1 without one."""
    for ranks in side_by_side(run):
        if training in ranks.trainings and wrapped(run, ranks) is not None:
            return len(ranks.trainings)
    return 1


def _indices(ranks: Ranks) -> set[int]:
    return {training.index for training in ranks.trainings}


def is_about(value: float, wanted: float) -> bool:
    """Whether a part of a sum is this one, as exactly as sums are known."""
    return abs(value - wanted) <= 1e-4 * abs(wanted)


def named(ranks: Sequence[int]) -> str:
    """Returns `rank 1`, or `ranks 1, 2 and 5`; of many the first and how many more."""
    if len(ranks) == 1:
        return f"rank {ranks[0]}"
    if len(ranks) > 4:
        return f"ranks {', '.join(map(str, ranks[:3]))} and {len(ranks) - 3} more"
    return f"ranks {', '.join(map(str, ranks[:-1]))} and {ranks[-1]}"
