"""What a traced step tells, in the words of a report: operation, place, reason, samples, mend."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...journal.view import Site
from .forward import why
from .operands import Data, Operand, operation

_KINDS = {"nan": "NaN", "inf": "infinity", "-inf": "-infinity"}

_MENDS: Mapping[str, str] = {
    "log": "take log_softmax or logsigmoid of the scores, or clamp what log is given",
    "sqrt": "add a small constant under the root, or take a norm with eps",
    "rsqrt": "add a small constant under the root",
    "div": "clamp the divisor (a count: clamp(min=1)), or leave such a batch out",
    "reciprocal": "clamp the divisor, or leave such a batch out",
    "mean": "leave a batch out of which nothing is left",
    "std": "take correction=0, or leave a batch of one sample out",
    "exp": "subtract the maximum first, as softmax and logsumexp do, or clamp what exp is given",
    "softmax": "let no row be masked as a whole: give it one open place, or leave it out",
    "log_softmax": "let no row be masked as a whole: give it one open place, or leave it out",
    "logsumexp": "let no row be masked as a whole: give it one open place, or leave it out",
    "mul": "pick the wanted places by indexing or torch.where instead of multiplying by 0",
    "acos": "clamp what it is given to a little less than 1, or take atan2",
    "asin": "clamp what it is given to a little less than 1, or take atan2",
    "pow": "clamp what is raised to a power, or add a small constant to it",
    "nll_loss": "leave batches without a target out",
    "ctc_loss": "leave such samples out, or pass zero_infinity=True",
    "layer_norm": "give the norm an eps above 0",
    "group_norm": "give the norm an eps above 0",
    "batch_norm": "give the norm an eps above 0",
    "addcdiv": "give the optimizer an eps above 0",
    "cast": "keep these numbers in float32, or divide them first; `assay numerics` has the ranges",
}


def blamed(data: Data) -> str:
    """Returns the operation that is to be mended: of a backward pass the one it belongs to."""
    forward = data["forward"]
    known = data["phase"] == "backward" and forward is not None
    return operation(forward["op"] if known else data["op"])


def told(data: Data) -> str:
    """Says which operation made the first value that is not finite, where and why."""
    if not data["op"]:
        return _given(data) + _again(data)
    name, inside = f"`{blamed(data)}`", f" in `{data['module']}`" if data["module"] else ""
    kind = " and ".join(_KINDS[k] for k in data["kind"])
    at = f"at step {data['at']} "
    if data["phase"] == "backward":
        who = f"{at}{_backward(data, name)}{inside} made the first {kind}"
    elif data["phase"] == "optimizer":
        owner = f" of `{data['owner']}`" if data["owner"] else ""
        who = f"{at}{name} in the optimizer's update{owner} made the first {kind}"
    else:
        who = f"{at}{name}{inside} made the first {kind}"
    said = f"{why(data)}{_range(data)}{_samples(data)}"
    return f"{who}: {said}{_then(data)}{_again(data)}"


def _backward(data: Data, name: str) -> str:
    """Says whose backward pass it was: of an operation, or of a function of the user's own."""
    if data["forward"] is not None:
        return f"the backward pass of {name}"
    node = str(data["node"] or "").rstrip("0123456789").removesuffix("Backward")
    return f"{name} in the backward pass of `{node}`" if node else f"{name} in a backward pass"


def _given(data: Data) -> str:
    kind = " and ".join(_KINDS[k] for k in data["kind"])
    if data["given"] != "data":
        return f"`{data['given']}` held {kind} before step {data['at']}"
    shape, count = data["shape"], data["bad_rows"]
    which = ", ".join(map(str, data["rows"])) + (", ..." if count > len(data["rows"]) else "")
    of = f" in {count} of {shape[0]} rows ({which})" if shape and count else ""
    return f"the data held {kind}{of} before anything was computed from them"


def _range(data: Data) -> str:
    """Says the range of what the operation was given, where the reason has not said it."""
    forward = data["forward"] if data["phase"] == "backward" else None
    for facts in (forward or data)["operands"]:
        operand = Operand.read(facts)
        if not operand.number and operand.elements > 1 and not math.isnan(operand.low):
            if f"{operand.high:.4g}" in why(data):
                return ""
            return f"; it was given numbers from {operand.low:.4g} to {operand.high:.4g}"
    return ""


def _samples(data: Data) -> str:
    """Says which samples of the batch it was, where the result has one row for each."""
    shape, batch, count = data["shape"], data["batch"], data["bad_rows"]
    weights = any(o.get("weight") and o.get("shape") == shape for o in data["operands"])
    products = blamed(data).startswith("matrix product") and data["phase"] == "backward"
    if not batch or not shape or shape[0] != batch or not count or weights or products:
        return ""
    if count == batch:
        return f", in all {batch} samples of the batch"
    which = ", ".join(map(str, data["rows"])) + (", ..." if count > len(data["rows"]) else "")
    word = "sample" if count == 1 else "samples"
    return f", in {word} {which} of the {batch} in the batch"


def _then(data: Data) -> str:
    then = data["then"]
    if not then:
        return ""
    op, line, phase = then
    where = f" at line {line[1]}" if line else ""
    which = f"the backward pass{where}" if phase == "backward" else f"`{operation(op)}`{where}"
    return f"; {which} made NaN of it"


def _again(data: Data) -> str:
    """Says how it is known, where a second run told it."""
    if "differs_from" not in data:
        return ""
    first = data["differs_from"]
    why_other = (
        "the script is compiled, and that run was not"
        if data.get("compiled")
        else "the script draws from a generator that is not seeded, or computes otherwise each time"
    )
    if first is None:
        return " (seen in a second run with the same losses)"
    return f" (seen in a second run, whose losses were others from step {first} on: {why_other})"


def mend(data: Data) -> str | None:
    """Says what to change; None where no rule knows the operation."""
    if not data["op"]:
        return (
            "drop the rows that are not finite, or fill them in"
            if data["given"] == "data"
            else None
        )
    name = blamed(data)
    if name == "addcdiv" and data["dtype"] in ("float16", "bfloat16"):
        return "keep weights in float32, or give the optimizer an eps of 1e-4"
    if data["dtype"] == "float16" and "65,504" in why(data) and name != "cast":
        return "keep this operation in float32, or make its operands smaller"
    return _MENDS.get(name)


def site(data: Data) -> Site | None:
    """Returns the user's line."""
    return Site.read(data["line"])
