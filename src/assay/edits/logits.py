"""`logits` as an edit: the softmax or sigmoid before a loss of logits is taken away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import libcst as cst

from ..tricks.data.logits import Logits
from .patch import Patch
from .reason import NotMechanicalError
from .script import Caller, Script
from .source import Source
from .variant import Variant, edit

_FUNCTIONS = {"cross_entropy": "softmax", "binary_cross_entropy_with_logits": "sigmoid"}
_LAYERS = {"softmax": "Softmax", "sigmoid": "Sigmoid"}
_SIMPLE = (cst.Name, cst.Attribute, cst.Call, cst.Subscript)


@edit(Logits)
def logits(script: Script, trick: Logits) -> Iterator[Variant]:
    """Yields the likeliest first: before the loss's own line, at the end of a model, elsewhere."""
    losses = [c for c in script.callers("loss") if c.facts.get("fn") in _FUNCTIONS]
    if not losses:
        raise NotMechanicalError("no line of yours was seen to compute a loss of logits")
    squash = _FUNCTIONS[losses[0].facts["fn"]]
    calls = [(s, call) for s in script.sources() for call in s.all(cst.Call)]
    direct = [(s, call) for s, call in calls if s.called(call) == squash]
    near = [pair for loss in losses for pair in direct if _feeds(loss, *pair)]
    layers = [(s, c) for s, c in calls if s.full_name(c.func) == f"torch.nn.{_LAYERS[squash]}"]
    ends = [pair for pair in layers if _ends_a_sequence(*pair)]
    returned = [(s, c) for s, c in direct if isinstance(s.parent(c), cst.Return)]
    order = [*near, *ends, *layers, *returned, *direct]
    for source, call in dict.fromkeys(order):
        if (source, call) in layers:
            yield lambda patch, s=source, c=call: _without_layer(patch, s, c)  # type: ignore[misc]
        else:
            yield lambda patch, s=source, c=call: _without_call(patch, s, c)  # type: ignore[misc]
    raise NotMechanicalError(f"no {squash} is spelled out in your files")


def _feeds(loss: Caller, source: Source, call: cst.Call) -> bool:
    """Whether a call makes what the loss is given, in its arguments or by the variable there."""
    if source is not loss.source or not loss.call.args:
        return False
    if any(up is loss.call for up in source.above(call)):
        return True
    given = loss.call.args[0].value
    assign = source.parent(call)
    if not isinstance(given, cst.Name) or not isinstance(assign, cst.Assign):
        return False
    names = [t.target.value for t in assign.targets if isinstance(t.target, cst.Name)]
    return given.value in names and source.function(call) is source.function(loss.call)


def _ends_a_sequence(source: Source, call: cst.Call) -> bool:
    arg = source.parent(call)
    up = source.parent(arg) if isinstance(arg, cst.Arg) else None
    return isinstance(up, cst.Call) and up.args[-1] is arg and source.called(up) == "Sequential"


def _without_call(patch: Patch, source: Source, call: cst.Call) -> None:
    """Turns `softmax(x, dim=1)` and `x.softmax(1)` into `x`."""
    if isinstance(call.func, cst.Attribute) and not source.full_name(call.func):
        _become(patch, source, call, call.func.value)
    elif call.args and call.args[0].keyword is None and not call.args[0].star:
        _become(patch, source, call, call.args[0].value)
    else:
        raise NotMechanicalError(f"{source.line(call)}: take the softmax away there")


def _become(patch: Patch, source: Source, call: cst.Call, inner: cst.BaseExpression) -> None:
    text = source.code(inner)
    safe = isinstance(source.parent(call), (cst.Assign, cst.Return, cst.Arg, cst.AnnAssign))
    bare = not isinstance(inner, _SIMPLE) and not inner.lpar
    patch.exchange(source, call, f"({text})" if bare and not safe else text)


def _without_layer(patch: Patch, source: Source, call: cst.Call) -> None:
    """Takes `nn.Softmax()` out of its sequence, or out of the module whose attribute it is."""
    up = source.parent(call)
    holder = source.parent(up) if up is not None else None
    if isinstance(up, (cst.Arg, cst.Element)) and isinstance(
        holder, (cst.Call, cst.List, cst.Tuple)
    ):
        _out_of_sequence(patch, source, call, up, holder)
    elif isinstance(up, cst.Assign) and isinstance(up.targets[0].target, cst.Attribute):
        name = source.code(up.targets[0].target)
        owner = source.owner(call)
        used = [c for c in source.all(cst.Call) if source.code(c.func) == name]
        used = [c for c in used if source.owner(c) is owner]
        if len(used) != 1 or len(used[0].args) != 1:
            raise NotMechanicalError(f"{source.line(call)}: {name} is used {len(used)} times")
        _become(patch, source, used[0], used[0].args[0].value)
        patch.remove(source, up)
    else:
        raise NotMechanicalError(f"{source.line(call)}: take the layer away there")


def _out_of_sequence(
    patch: Patch,
    source: Source,
    call: cst.Call,
    part: cst.Arg | cst.Element,
    holder: cst.Call | cst.List | cst.Tuple,
) -> None:
    if isinstance(holder, cst.Call) and source.called(holder) == "append":
        patch.remove(source, source.statement(call))
        return
    if isinstance(holder, cst.Call) and source.called(holder) != "Sequential":
        raise NotMechanicalError(f"{source.line(call)}: take the layer away there")
    parts: Sequence[Any] = holder.args if isinstance(holder, cst.Call) else holder.elements
    index = next(i for i, other in enumerate(parts) if other is part)
    if index:  # with the comma and the blanks before it
        start, end = source.whole_span(parts[index - 1].value)[1], source.whole_span(call)[1]
    elif len(parts) > 1:
        start, end = source.whole_span(call)[0], source.whole_span(parts[1].value)[0]
    else:
        start, end = source.whole_span(call)
    patch.replace(source, start, end, "")
