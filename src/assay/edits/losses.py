"""`label-smoothing` and `ignore-index` as an edit: an argument of the cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from ..tricks.data.ignore_index import IgnoreIndex
from ..tricks.regularisation.label_smoothing import LabelSmoothing
from .arguments import argument, number, set_value
from .patch import Patch
from .reason import NotMechanicalError
from .script import Caller, Script
from .variant import Variant, edit

_CLASSES = {"cross_entropy": "CrossEntropyLoss", "nll_loss": "NLLLoss"}


@edit(LabelSmoothing)
def label_smoothing(script: Script, trick: LabelSmoothing) -> Iterator[Variant]:
    """Smooths the labels of the training's loss alone."""
    value = number(float(trick.smoothing))
    yield lambda patch: _write(patch, script, "label_smoothing", value, evaluations=False)


@edit(IgnoreIndex)
def ignore_index(script: Script, trick: IgnoreIndex) -> Iterator[Variant]:
    """Sets the index at every loss of classes."""
    value = str(int(trick.index))
    yield lambda patch: _write(patch, script, "ignore_index", value, evaluations=True)


def _write(patch: Patch, script: Script, keyword: str, value: str, *, evaluations: bool) -> None:
    homes = [_home(script, caller) for caller in _callers(script, "loss")]
    others = [_home(script, caller) for caller in _callers(script, "evaluation_loss")]
    if not homes:
        raise NotMechanicalError("no line of yours was seen to compute a loss of classes")
    if evaluations:
        homes += others
    elif any(home.call is other.call for home in homes for other in others):
        name = f"{keyword}={value}"
        raise NotMechanicalError(
            f"evaluations use the same loss: make a second one with {name} for training"
        )
    for home in {home.call: home for home in homes}.values():
        set_value(patch, script, home, keyword, lambda old: value)


def _callers(script: Script, of: str) -> list[Caller]:
    if not any(event.data.get("fn") in _CLASSES for event in script.events(of)):
        return []
    return [c for c in script.callers(of) if c.facts.get("fn") in _CLASSES]


def _home(script: Script, caller: Caller) -> Caller:
    """Returns the call that takes the argument: the function's own, or that of its module."""
    source, call, name = caller.source, caller.call, caller.facts["fn"]
    if source.called(call) == name:
        argument(source, call, "weight")  # says so if arguments come from elsewhere
        return caller
    if isinstance(call.func, cst.Call):
        return Caller(source, call.func, caller.facts)
    built = [
        Caller(other, made, caller.facts)
        for other in script.sources()
        for made in other.all(cst.Call)
        if other.called(made) == _CLASSES[name]
    ]
    if len(built) != 1:
        raise NotMechanicalError(f"{source.line(call)} does not tell which loss it uses")
    return built[0]
