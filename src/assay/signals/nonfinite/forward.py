"""Why an operation gave what is not finite: a rule for each that has a domain or a limit."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..formats import by_dtype
from .backward import why_backward
from .operands import Data, Operand, operation, said, what_emptied, what_made

_LOGS = {"log": 0.0, "log2": 0.0, "log10": 0.0, "log1p": -1.0}
_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "convolution", "dot", "mv", "addmv", "linear")
_SUMS = ("sum", "cumsum", "mean", "prod", "cumprod", "norm", "linalg_vector_norm", "var", "std")
_NORMS = ("native_layer_norm", "native_group_norm", "native_batch_norm",
          "native_batch_norm_legit", "native_norm")  # fmt: skip
_GROW = ("exp", "exp2", "expm1", "sinh", "cosh")


def why(data: Data) -> str:
    """Says why the operation of a `nonfinite_traced` event gave what is not finite.

    Returns:
        A clause such as `log of 0`; what is sure in any case where no rule knows the operation.
    """
    operands = [Operand.read(facts) for facts in data["operands"]]
    return _ruled(operands, data)[0] or _overflow(operands, data) or _plain(operands, data)


def has_no_value(data: Data) -> bool:
    """Whether the operation has no finite value there, whatever the size of its operands.

    0 / 0, a root at 0 in a backward pass, a row that is masked as a whole: no step is too long for
    these. False where numbers grew too large, or a probability too small, and where it isn't known.
    """
    said, rule = _ruled([Operand.read(facts) for facts in data["operands"]], data)
    if data["phase"] == "backward" and data["forward"] is not None:
        return bool(said) and rule is None
    return bool(said) and rule not in (_log, _exp, _cast)


def _ruled(operands: list[Operand], data: Data) -> tuple[str, _Rule | None]:
    """Returns what the rule of an operation says, "" where it does not fit, and which rule."""
    if data["phase"] == "backward" and data["forward"] is not None:
        given = [Operand.read(facts) for facts in data["forward"]["operands"]]
        if said := why_backward(data["forward"]["op"].strip("_"), given, data["kind"]):
            return said, None
    op = data["op"].strip("_").removeprefix("foreach_")
    rule = _RULES.get(op) if operands else None
    return (rule(op, operands, data) if rule is not None else ""), rule


# -- single operations ----------------------------------------------------------------------------


def _log(op: str, operands: list[Operand], data: Data) -> str:
    edge, x = _LOGS[op], operands[0].at
    if x == edge:
        return f"{op} of {edge:g}{_guards(operands[0])}"
    return f"{op} of a negative number ({x:.4g})" if x < edge else ""


def _guards(x: Operand) -> str:
    """Says that a probability has been rounded to 0, where a softmax made it."""
    made = operation(x.made["op"]) if x.made else ""
    if made in ("softmax", "sigmoid", "exp"):
        return f", to which {made} had rounded a number too small for {x.dtype}"
    return ""


def _sqrt(op: str, operands: list[Operand], data: Data) -> str:
    x = operands[0].at
    return f"{op} of a negative number ({x:.4g})" if x < 0 else ""


def _inverse(op: str, operands: list[Operand], data: Data) -> str:
    x = operands[0].at
    if x < 0 and op == "rsqrt":
        return f"the root of a negative number ({x:.4g})"
    power = "1 / sqrt(0)" if op == "rsqrt" else "1 / 0"
    return f"{power}{what_made(operands[0])}" if x == 0 else ""


def _div(op: str, operands: list[Operand], data: Data) -> str:
    if len(operands) < 2:
        return ""
    over, under = operands[0], operands[1]
    if under.at == 0 or (math.isnan(under.at) and under.elements and under.zeros):
        top = "0" if over.at == 0 else f"{over.at:.4g}" if not math.isnan(over.at) else "x"
        return f"{top} / 0{what_made(under)}"
    if math.isinf(over.at) and math.isinf(under.at):
        return "infinity divided by infinity"
    return ""


def _addcdiv(op: str, operands: list[Operand], data: Data) -> str:
    under = next((o for o in operands if o.name in ("tensor2", "denom")), None)
    over = next((o for o in operands if o.name == "tensor1"), None)
    if under is not None and (under.at == 0 or (math.isnan(under.at) and under.zeros)):
        top = "0" if over is not None and over.at == 0 else "x"
        if data["phase"] != "optimizer":
            return f"{top} / 0{what_made(under)}"
        return (
            f"{top} / 0: the optimizer divides by the root of squared gradients, and its eps is 0 "
            f"in {data['dtype']}"
        )
    return ""


def _mul(op: str, operands: list[Operand], data: Data) -> str:
    if len(operands) < 2:
        return ""
    one, other = operands[0].at, operands[1].at
    if math.isinf(other) and one == 0:
        return f"0 * {other}"
    return f"0 * {one}" if math.isinf(one) and other == 0 else ""


def _add(op: str, operands: list[Operand], data: Data) -> str:
    values = [o.at for o in operands if o.name != "alpha"][:2]
    if len(values) == 2 and all(map(math.isinf, values)):
        return f"{values[0]} {'-' if op in ('sub', 'rsub') else '+'} {values[1]}"
    return ""


def _exp(op: str, operands: list[Operand], data: Data) -> str:
    known = by_dtype(data["dtype"])
    if known is None or not operands:
        return ""
    scale = math.log(2) if op == "exp2" else 1.0
    edge = (known.exp_overflows + (math.log(2) if op in ("sinh", "cosh") else 0)) / scale
    if not operands[0].largest > edge:
        return ""
    return (
        f"{op}(x) overflows {data['dtype']} above {edge:.4g}, and x reached {operands[0].high:.4g}"
    )


def _softmax(op: str, operands: list[Operand], data: Data) -> str:
    row = data.get("row")
    if row and row["masked"] == row["length"]:
        return (
            f"{operation(op)} over a row of which all {row['length']} are -inf: everything in it "
            "is masked"
        )
    return ""


def _of_nothing(op: str, operands: list[Operand], data: Data) -> str:
    given = operands[0] if operands else None
    if given is None:
        return ""
    if op in ("mean", "std", "var") and not given.elements:
        return f"the {op} of nothing{what_emptied(given)}"
    result = max(math.prod(data["shape"]), 1)
    if op in ("std", "var") and given.elements == result:
        return f"the {op} of one number, which would divide by 0: it takes two to differ"
    return ""


def _pow(op: str, operands: list[Operand], data: Data) -> str:
    if len(operands) < 2:
        return ""
    base, power = operands[0].at, operands[1].at
    if base < 0 and not power.is_integer() and not math.isnan(power):
        return f"a negative number to a power that is not whole ({base:.4g} ** {power:.4g})"
    return f"0 ** {power:.4g}, which is 1 / 0" if base == 0 and power < 0 else ""


def _arc(op: str, operands: list[Operand], data: Data) -> str:
    x = operands[0].at
    if op in ("acos", "asin") and abs(x) > 1:
        return f"{op} is defined from -1 to 1, and x was {x:.8g}"
    if op == "atanh" and abs(x) >= 1:
        return f"atanh is finite between -1 and 1, and x was {x:.8g}"
    return f"acosh is defined from 1 on, and x was {x:.8g}" if op == "acosh" and x < 1 else ""


def _logit(op: str, operands: list[Operand], data: Data) -> str:
    x = operands[0].at
    return f"{op} of {x:.8g}: it is finite between {'0' if op == 'logit' else '-1'} and 1"


def _remainder(op: str, operands: list[Operand], data: Data) -> str:
    if len(operands) > 1 and operands[1].at == 0:
        return f"the remainder of a division by 0{what_made(operands[1])}"
    return ""


def _norm(op: str, operands: list[Operand], data: Data) -> str:
    eps = next((o for o in operands if o.name == "eps"), None)
    known, x = by_dtype(data["dtype"]), operands[0]
    fits = known is not None and x.largest < math.sqrt(known.largest)
    if eps is not None and eps.at == 0 and fits and "nan" in data["kind"]:
        return (
            f"{operation(op)} divides by a deviation that was 0, and its eps is 0: the numbers "
            "that it normalises together were all the same"
        )
    return ""


def _nll(op: str, operands: list[Operand], data: Data) -> str:
    infinite = any(facts.get("bad") for facts in data["operands"])
    if "nan" in data["kind"] and not infinite:
        return "0 / 0: no target counts, as all are ignore_index or of classes with weight 0"
    return ""


def _ctc(op: str, operands: list[Operand], data: Data) -> str:
    return (
        "there is no alignment: a target is longer than its input, where repeated labels need a "
        "blank between them (zero_infinity=True leaves such samples out)"
    )


def _cast(op: str, operands: list[Operand], data: Data) -> str:
    known = by_dtype(data["dtype"])
    if known is None or not operands or not operands[0].largest > known.largest:
        return ""
    return (
        f"numbers up to {said(operands[0].largest)} were cast to {data['dtype']}, above "
        f"{said(known.largest)}, the largest number of {data['dtype']}"
    )


def _written(op: str, operands: list[Operand], data: Data) -> str:
    value = next((o for o in operands if o.name in ("value", "fill_value")), None)
    said = value.at if value is not None else data["kind"][0]
    return f"the script writes {said} there itself"


def _gamma(op: str, operands: list[Operand], data: Data) -> str:
    x = operands[0].at
    return f"{op} has a pole at {x:g}" if x <= 0 and x == math.floor(x) else ""


# -- any operation --------------------------------------------------------------------------------


def _overflow(operands: list[Operand], data: Data) -> str:
    """Says that a result lies above the largest number, where that is what must have happened."""
    known = by_dtype(data["dtype"])
    op = data["op"].strip("_").removeprefix("foreach_")
    growing = (*_PRODUCTS, *_SUMS, "mul", "add", "sub", "pow", "div", "addcdiv", "addcmul",
               "square", "mse_loss", "lerp", "convolution_backward")  # fmt: skip
    tensors = [o for o in operands if not math.isnan(o.largest)]
    if known is None:
        return ""
    huge = any(o.largest > math.sqrt(known.largest) for o in tensors)
    if op not in growing and not huge:
        return ""
    infinite = any(facts.get("bad") for facts in data["operands"])
    if infinite or not tensors or not {"inf", "-inf"} & set(data["kind"]):
        return ""
    sizes = " and ".join(said(o.largest) for o in tensors[:3])
    return (
        f"the result lies above {said(known.largest)}, the largest number of {data['dtype']}, "
        f"from operands as large as {sizes}"
    )


def _plain(operands: list[Operand], data: Data) -> str:
    known = [o for o in operands if not o.number and not math.isnan(o.low)]
    if not known:
        return "its operands were finite"
    if any("nan" in data["kind"] and facts.get("bad") for facts in data["operands"]):
        return "its operands were infinite, as a mask is, and it made NaN of them"
    ranges = ", ".join(f"{o.name} from {o.low:.4g} to {o.high:.4g}" for o in known[:3])
    return f"its operands were finite: {ranges}"


_Rule = Callable[[str, list[Operand], Data], str]
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_LOGS, _log),
    **dict.fromkeys(_GROW, _exp),
    "sqrt": _sqrt,
    "rsqrt": _inverse,
    "reciprocal": _inverse,
    "div": _div,
    "addcdiv": _addcdiv,
    "mul": _mul,
    "add": _add,
    "sub": _add,
    "rsub": _add,
    **dict.fromkeys(("softmax", "log_softmax", "safe_softmax", "logsumexp"), _softmax),
    **dict.fromkeys(("mean", "std", "var", "std_mean", "var_mean"), _of_nothing),
    "pow": _pow,
    **dict.fromkeys(("acos", "asin", "acosh", "atanh"), _arc),
    **dict.fromkeys(("logit", "erfinv"), _logit),
    **dict.fromkeys(("remainder", "fmod"), _remainder),
    **dict.fromkeys(_NORMS, _norm),
    **dict.fromkeys(("nll_loss_forward", "nll_loss2d_forward"), _nll),
    "ctc_loss": _ctc,
    "to_copy": _cast,
    "copy": _cast,
    **dict.fromkeys(("fill", "full", "full_like", "new_full", "masked_fill"), _written),
    **dict.fromkeys(("lgamma", "digamma", "polygamma"), _gamma),
}
