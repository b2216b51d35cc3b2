"""Who judges and who generates: pairs of networks that are trained on each other's answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from ..journal.events import TURN, LossPass, NetCall, NetStep, Turn
from ..journal.series import Series
from ..journal.view import Event, RunView, Site, Training

AT_LEAST = 8
"""Samples from which on a player is known to stay as it is: it may wait for the other."""
KINDS = ("data", "detached", "attached")
"""What a judge is given."""
ALIKE = 0.05
"""Difference of two targets, of the larger or of 1, up to which they count as one: labels that are
smoothed on one side lie further from those of the other."""
SURE = 0.5
"""From where on a sum of slopes over that of their sizes tells a direction: three in four agree."""


@dataclass(frozen=True)
class Pair:
    """A `judge` that is trained on what a `generator` has made, and on something else.

    In a loss of the judge's own the batch comes without its graph, or only the judge's weights are
    stepped. An encoder and its decoder are no pair, nor are a model and a frozen one that compares.
    """

    judge: str
    generator: str
    process: int
    turns: tuple[Event[Turn], ...]

    def judged(self, call: NetCall, *, detached: bool | None = None) -> bool:
        """Whether a call is the judge's, on what the generator made: with its graph or without."""
        over, fed = self.generator in call["over"], self.generator in call["fed"]
        is_so = fed if detached else over if detached is False else fed or over
        return call["net"] == self.judge and is_so

    def calls(
        self, *, detached: bool | None = None
    ) -> Iterator[tuple[Event[Turn], LossPass, NetCall]]:
        """Yields the calls of the judge on what the generator made, with their turn and pass."""
        for turn in self.turns:
            for one in turn.data["passes"]:
                for call in one["calls"]:
                    if self.judged(call, detached=detached):
                        yield turn, one, call

    def on_data(self) -> Iterator[NetCall]:
        """Yields the calls of the judge on anything else."""
        for turn in self.turns:
            for one in turn.data["passes"]:
                for call in one["calls"]:
                    if call["net"] == self.judge and not self.judged(call):
                        yield call

    def steps(self) -> Iterator[tuple[Event[Turn], NetStep]]:
        """Yields the steps of all turns."""
        for turn in self.turns:
            for step in turn.data["steps"]:
                yield turn, step

    def holders(self, run: RunView, net: str) -> list[Training]:
        """Returns the trainings whose optimizer holds weights of this network."""
        found = dict.fromkeys(s["training"] for _, s in self.steps() if net in s["held"])
        return [run.trainings[index] for index in found]

    def place(self, given: str) -> str:
        """Returns the place of signals of the judge on `data`, `detached` batches or `attached`."""
        makers = {"attached": self.generator, "detached": f"detached {self.generator}"}
        on = makers.get(given, given)
        return f"{self.judge} on {on}"

    def in_turn(self, turn: Event[Turn], *, detached: bool) -> list[NetCall]:
        """Returns the calls of the judge on what the generator made in one turn."""
        calls = (call for one in turn.data["passes"] for call in one["calls"])
        return [call for call in calls if self.judged(call, detached=detached)]

    def is_of_judge(self, turn: Event[Turn]) -> bool:
        """Whether a turn moves the judge and steps no weight of the generator."""
        steps = turn.data["steps"]
        moves = any(self.judge in step["moved"] for step in steps)
        return moves and not any(self.generator in step["held"] for step in steps)

    def passes_of_maker(self) -> Iterator[LossPass]:
        """Yields the passes through judge and generator of turns that step the generator alone."""
        for turn, one, _ in self.calls(detached=False):
            held = {net for step in turn.data["steps"] for net in step["held"]}
            if self.generator in held and self.judge not in held:
                yield one

    def asked(self, run: RunView, net: str, given: str) -> Asked:
        """Returns what losses ask of the judge's answers, in the trainings that hold a network.

        Args:
            run: Whose numbers.
            net: The judge or the generator.
            given: `data`, or what the generator made: `detached` or `attached` to its graph.
        """
        place, trainings = self.place(given), self.holders(run, net)
        slopes, targets = (
            max((t.series(name, place) for t in trainings), key=len, default=Series()).finite()
            for name in ("judge_asks", "judge_target")
        )
        return Asked(slopes, targets)

    def sides(self, run: RunView) -> tuple[Asked, Asked, Asked]:
        """Returns what is asked of answers to data and to detached batches, and by the generator.

        Numbers of an iteration in which both were stepped stand with the first of them.
        """
        nets = self.judge, self.generator
        own = (self.asked(run, nets[0], g) or self.asked(run, nets[1], g) for g in KINDS[:2])
        attached = (self.asked(run, net, KINDS[2]) for net in reversed(nets))
        return (*own, next(attached) or next(attached))  # type: ignore[return-value]

    def opposed(self, run: RunView, least: int) -> bool:
        """Whether the generator's loss asks for the opposite of what the judge's own loss asks."""
        _, on_fake, by_maker = self.sides(run)
        return by_maker.like(on_fake, least) is False


@dataclass(frozen=True)
class Asked:
    """What one loss asks of a judge's answers: which way they are to go, or what they are to be."""

    slopes: Series
    targets: Series

    def __bool__(self) -> bool:
        return bool(len(self.slopes) or len(self.targets))

    @property
    def numbers(self) -> tuple[str, Series]:
        """The signal that tells it, and its finite values."""
        if len(self.slopes) >= len(self.targets):
            return "judge_asks", self.slopes
        return "judge_target", self.targets

    def like(self, other: Asked, least: int) -> bool | None:
        """Whether another loss asks for the same; None where that is not known.

        Args:
            other: What it asks.
            least: Samples that it takes of both.
        """
        one, two = direction(self.slopes, least), direction(other.slopes, least)
        if one and two:
            return one == two
        at, then = self.targets.values, other.targets.values
        if min(len(at), len(then)) < least:
            return None
        here, there = median(at), median(then)
        return abs(here - there) <= ALIKE * max(abs(here), abs(there), 1.0)


@dataclass(frozen=True)
class Leak:
    """A `call` of a judge, for its own loss, whose batch still has the generator's graph.

    `left`: the gradients that this gave the generator were there when its own pass began.
    """

    pair: Pair
    call: NetCall
    left: bool


def pairs(run: RunView) -> list[Pair]:
    """Returns the pairs of players of a run, in the order in which they met."""
    found: list[Pair] = []
    for process in dict.fromkeys(event.process for event in run.events(TURN)):
        turns = tuple(e for e in run.events(TURN) if e.process == process)
        names = dict.fromkeys(
            (call["net"], maker)
            for turn in turns
            for one in turn.data["passes"]
            for call in one["calls"]
            if call["wants"]
            for maker in (*call["fed"], *(call["over"] if _is_own(turn.data, call) else ()))
            if maker != call["net"]
        )
        for judge, generator in names:
            pair = Pair(judge, generator, process, turns)
            mixed = any(call["mixed"] for _, _, call in pair.calls(detached=True))
            if mixed or any(True for _ in pair.on_data()):
                found.append(pair)
    return found


def direction(series: Series, least: int) -> int:
    """Returns which way answers are to move: -1 up, 1 down, 0 where samples are few or disagree.

    Args:
        series: Of `judge_asks`.
        least: Samples that it takes.
    """
    values = series.finite().values
    up = sum(value <= -SURE for value in values)
    down = sum(value >= SURE for value in values)
    if len(values) < least or max(up, down) < 0.9 * len(values):
        return 0
    return -1 if up > down else 1


def site(call: NetCall | LossPass) -> Site | None:
    """Returns the line of a call, or of a backward pass."""
    return Site.read(call["line"])


def steps_in(turn: Event[Turn], training: Training) -> bool:
    """Whether this training's optimizer steps in a turn."""
    return any(step["training"] == training.index for step in turn.data["steps"])


def _is_own(turn: Turn, call: NetCall) -> bool:
    """Whether steps move the network that is called, and none of those that made its batch."""
    moved = {net for step in turn["steps"] for net in step["moved"]}
    held = {net for step in turn["steps"] for net in step["held"]}
    return call["net"] in moved and not set(call["over"]) & held


def idle_judges(run: RunView, least: int = AT_LEAST) -> list[tuple[Pair, Series]]:
    """Returns pairs whose judge nothing ever moves, though its own loss gives it gradients.

    With the norms of its weights, of which there are at least so many, all the same.
    """
    found: dict[str, tuple[Pair, Series]] = {}
    for pair in pairs(run):
        held = {net for _, step in pair.steps() for net in step["held"]}
        own = any(call["wants"] for _, _, call in pair.calls(detached=True))
        if pair.judge in held or pair.generator not in held or not own:
            continue
        for training in run.trainings:
            norms = training.series("judge_weight_norm", pair.judge)
            stays = len(norms) >= least and len(set(norms.values)) == 1
            if training.process == pair.process and stays:
                found.setdefault(pair.judge, (pair, norms))
    return list(found.values())


def lines_of_idle_judges(run: RunView) -> set[tuple[int, Site]]:
    """Returns process and line of the backward passes that go through judges nothing moves."""
    return {
        (pair.process, line)
        for pair, _ in idle_judges(run)
        for _, one, _ in pair.calls()
        if (line := site(one)) is not None
    }


def cut_generators(run: RunView, least: int = AT_LEAST) -> list[tuple[Pair, Training]]:
    """Returns pairs whose generator is stepped, at least so often, and never has a gradient.

    With the training that steps it.
    """
    found: dict[str, tuple[Pair, Training]] = {}
    for pair in pairs(run):
        moved = {net for _, step in pair.steps() for net in step["moved"]}
        if pair.generator in moved or any(True for _ in pair.calls(detached=False)):
            continue
        for training in pair.holders(run, pair.generator):
            judged = any(steps_in(turn, training) for turn, _, _ in pair.calls())
            if judged and training.steps >= least:
                found.setdefault(pair.generator, (pair, training))
    return list(found.values())


def leaks(run: RunView, least: int = AT_LEAST) -> list[Leak]:
    """Returns pairs whose judge's own loss goes through the generator, and asks for the opposite.

    Args:
        run: What was recorded.
        least: Samples of what each of the two losses asks for.
    """
    found = []
    for pair in pairs(run):
        own = [call for turn, _, call in pair.calls(detached=False) if pair.is_of_judge(turn)]
        asked, wanted = (pair.asked(run, n, "attached") for n in (pair.judge, pair.generator))
        if not own or asked.like(wanted, least) is not False:
            continue
        left = any(pair.generator in one["filled"] for one in pair.passes_of_maker())
        found.append(Leak(pair, own[0], left))
    return found
