"""A comparison in sentences, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Iterator

from ..journal.events import SEED
from ..journal.view import RunView
from .model import ARITHMETIC, DRAWN, Comparison, Difference, Parting, Seen, Stage
from .setup import environment

MOST_NAMED = 4
SHORT = 30
"""Columns that two values may take in a headline."""

BATCHES_IN_ORDER = 8
"""Batches of each pass whose order is on record (`probes/data/loaders.py`)."""

LABELS = {
    Stage.WEIGHTS: "weights",
    Stage.BATCH: "batch",
    Stage.TARGETS: "targets",
    Stage.MODE: "mode",
    Stage.LOSS: "loss",
    Stage.GRADIENT: "gradient norm",
    Stage.RATE: "learning rate",
    Stage.UPDATE: "update norm",
    Stage.EVALUATION: "evaluation",
}


def headline(found: Comparison) -> str:
    """Returns what a person reads first: what can explain it, or that there is nothing to it."""
    if found.parting is None:
        exact = found.weights and found.digits == 9
        return (
            f"The two runs are alike{' to the last bit' if exact else ''} in all that was recorded."
        )
    if reasons := candidates(found):
        shown = reasons[:MOST_NAMED]
        more = len(reasons) - len(shown)
        last = [f"{more} more"] if more else []
        return f"What can explain it: {_and([*shown, *last])}."
    if found.parting.stage is Stage.LENGTH:
        return "The two runs are alike as far as both went."
    return f"Nothing that was recorded of the set-up explains it: {_unrecorded(found)}."


def where(found: Comparison) -> str:
    """Returns where the runs part, or how much of them is alike."""
    parting = found.parting
    if parting is None:
        said = [f"{found.losses:,} losses to the {found.digits} digits recorded"]
        if found.weights:
            times = "once" if found.weights == 1 else f"at {found.weights:,} sampled steps"
            said.append(
                f"the weights to the last bit {times}, the last time at step {found.last_weights:,}"
            )
        return f"Compared: {_and(said)}."
    step = f"{parting.step:,}"
    match parting.stage:
        case Stage.WEIGHTS:
            which = f" (the first: {parting.first_other})" if parting.first_other else ""
            if parting.step == 0:
                return f"They part at step 0: the weights that they begin with are others{which}."
            return f"They part before step {step}: the weights are others{which}."
        case Stage.BATCH:
            return (
                f"They part at step {step}: {_of_that_step(parting)}the batch is another"
                f"{_drawn(parting)}."
            )
        case Stage.TARGETS:
            return f"They part at step {step}: {_of_that_step(parting)}the targets are others."
        case Stage.MODE:
            return f"They part at step {step}: modules are in another mode."
        case Stage.LOSS:
            return _losses_part(parting)
        case Stage.GRADIENT:
            return f"They part at step {step}: the same loss has another gradient."
        case Stage.RATE:
            return f"They part at step {step}: all is alike up to there but the learning rate."
        case Stage.UPDATE:
            return f"They part at step {step}: the same gradient makes another step."
        case Stage.EVALUATION:
            return f"They part after step {step}: training is alike, an evaluation is not."
        case _:
            return _lengths(found, parting.step)


def candidates(found: Comparison) -> list[str]:
    """Returns what can explain where two runs part, in a few words each."""
    if found.parting is None:
        return []
    names = [_named(each) for each in found.explaining]
    if found.parting.possible & DRAWN:
        names += unseeded(found)
    return names


def _named(each: Difference) -> str:
    """Returns a difference with its values, where those are short."""
    short = len(each.a) + len(each.b) <= SHORT and " and " not in each.a + each.b
    short = short and not each.name.startswith("text of ")  # hashes tell nobody anything
    values = f" ({each.a} and {each.b})" if each.a and each.b and short else ""
    return f"{each.name}{values}"


def unseeded(found: Comparison) -> list[str]:
    """Returns that torch is not seeded, where neither run shows that it is."""
    if any(_seeds_torch(view) for view in (found.a, found.b)):
        return []
    return ["torch without a seed"]


def table(parting: Parting) -> list[tuple[str, int, str, str]]:
    """Returns each part of the step at which two runs part: what, its step, and both values."""
    rows = []
    for seen in parting.seen:
        if seen.stage > parting.stage and seen.step < parting.step:
            continue  # of an earlier step, and no news
        rows.append((LABELS[seen.stage], seen.step, *_values(seen)))
    return rows


def _values(seen: Seen) -> tuple[str, str]:
    if seen.alike:
        return "alike", "alike"
    if seen.signal in ("weight_fingerprint", "input_fingerprint"):
        return "differ", "differ"
    if seen.signal == "label_count":
        return f"{seen.a:.9g} of class {seen.place}", f"{seen.b:.9g} of class {seen.place}"
    place = "" if not seen.place or seen.stage is Stage.RATE else f" ({seen.place})"
    name = _OF_WHICH.get(seen.signal.rpartition("_")[2], "")
    return f"{name}{seen.a:.9g}{place}", f"{name}{seen.b:.9g}{place}"


_OF_WHICH = {"mean": "mean ", "std": "spread ", "min": "lowest ", "max": "highest "}


def _lengths(found: Comparison, steps: int) -> str:
    """Returns which run ended first, and why, where that is on record."""
    shorter, longer = ("A", "B") if found.a.steps < found.b.steps else ("B", "A")
    ended = found.a if shorter == "A" else found.b
    why = f" ({ended.facts['stopped']})" if ended.facts.get("stopped") else ""
    code = ended.facts.get("exit_code")
    why = why or (f" (exit status {code})" if code else "")
    took = "1 step" if steps == 1 else f"{steps:,} steps"
    return f"They part in their length: {shorter} ends after {took}{why}, {longer} goes on."


def _losses_part(parting: Parting) -> str:
    step, seen = f"{parting.step:,}", parting.at(Stage.LOSS)
    values = "" if seen is None else f", {seen.a:.9g} and {seen.b:.9g}"
    same = [LABELS[stage] for stage in (Stage.WEIGHTS, Stage.BATCH) if _known(parting, stage)]
    if len(same) == 2:
        little = ", which differ as by rounding" if parting.near else ""
        return (
            f"They part at step {step}: the same weights and the same batch give other losses"
            f"{values}{little}."
        )
    before = [
        f"the {LABELS[stage]} at step {known.step:,}"
        for stage in (Stage.WEIGHTS, Stage.BATCH)
        if not _known(parting, stage) and (known := parting.at(stage)) is not None and known.alike
    ]
    last = f"; alike before that: {_and(before)}" if before else ""
    return f"They part at step {step}, by their losses{values}; that step was not sampled{last}."


def _known(parting: Parting, stage: Stage) -> bool:
    """Whether a part of the very step was seen to be alike."""
    seen = parting.at(stage)
    return seen is not None and seen.step == parting.step and seen.alike


def _of_that_step(parting: Parting) -> str:
    return "with the same weights, " if _known(parting, Stage.WEIGHTS) else ""


def _drawn(parting: Parting) -> str:
    """Returns whether loaders drew the same rows, as far as that is on record."""
    if parting.order is None:
        return ""
    if parting.order >= 0:
        return f": loaders drew other rows, or another order, in pass {parting.order}"
    same = (
        f", though loaders drew the same rows in the first {BATCHES_IN_ORDER} batches of each pass"
    )
    return f"{same}: the data are others" if parting.step < BATCHES_IN_ORDER else same


def _unrecorded(found: Comparison) -> str:
    """Returns what no record shows, and could be the reason."""
    assert found.parting is not None
    possible, said = found.parting.possible, []
    if possible & {Stage.WEIGHTS, Stage.BATCH, Stage.TARGETS}:
        said += ["a file that changed", "the clock", "a generator that nobody seeded"]
        if not _hashes_alike(found):
            said.append("the order of a set (PYTHONHASHSEED is not set)")
    elif possible & ARITHMETIC:
        said.append("random numbers drawn within the model")
    if possible & ARITHMETIC:
        said.append("an operation that is not deterministic")
    return f"perhaps {_or(said)}" if said else "what else it can be is not known"


def _hashes_alike(found: Comparison) -> bool:
    """Whether both runs had one PYTHONHASHSEED, and so one order of sets."""
    seeds = [environment(view).get("PYTHONHASHSEED", "random") for view in (found.a, found.b)]
    return bool(seeds[0] == seeds[1] != "random")


def _seeds_torch(view: RunView) -> bool:
    return any(event.data.get("of") == "torch" for event in view.events(SEED))


def outcome(view: RunView) -> Iterator[str]:
    """Yields how a run came out: its steps, and the losses that it began and ended with."""
    yield f"{view.steps:,} step{'' if view.steps == 1 else 's'}"
    trained = [t for t in view.trainings if t.steps and len(t.series("loss"))]
    if trained:
        losses = trained[0].series("loss")
        yield f"loss {losses.first:.4g} to {losses.last:.4g}"


def _and(words: list[str]) -> str:
    return _list(words, "and")


def _or(words: list[str]) -> str:
    return _list(words, "or")


def _list(words: list[str], word: str) -> str:
    head, last = ", ".join(words[:-1]), words[-1]
    return f"{head} {word} {last}" if head else last
