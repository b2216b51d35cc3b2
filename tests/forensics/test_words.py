"""What is said of a traced operation, on invented measurements."""

from __future__ import annotations

from typing import Any

import pytest

from assay.journal.view import Event
from assay.signals.nonfinite.forward import has_no_value, why
from assay.signals.nonfinite.told import blamed, mend, told
from assay.signals.traced import is_undefined, tracing_of
from assay.testing import make_run


def operand(name: str = "self", **facts: Any) -> dict[str, Any]:
    known = {"name": name, "dtype": "float32", "shape": [8], "low": 0.5, "high": 2.0, "zeros": 0}
    return {**known, "bad": [], "at": None, "weight": None, **facts}


def data(op: str, *operands: dict[str, Any], **facts: Any) -> dict[str, Any]:
    known = {
        "at": 3, "what": "loss", "owner": None, "op": op, "phase": "forward", "node": None,
        "line": ["train.py", 12, "<module>"], "module": None, "given": None, "kind": ["nan"],
        "dtype": "float32", "shape": [8], "share": 0.125, "operands": list(operands), "row": None,
        "rows": [5], "bad_rows": 1, "batch": 8, "forward": None, "meant": False, "then": None,
    }  # fmt: skip
    return {**known, **facts}


MASK = {"op": "sum", "line": ["train.py", 9, "f"],
        "operands": [operand(dtype="bool", shape=[40], zeros=40, low=0.0, high=0.0)]}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (data("log", operand(at=0.0, zeros=1)), "log of 0"),
        (data("log1p", operand(at=-1.0)), "log1p of -1"),
        (data("log", operand(at=-2.5)), "log of a negative number (-2.5)"),
        (data("div", operand(at=0.0), operand("other", at=0.0, zeros=1, made=MASK)),
         "0 / 0: the divisor is the sum of a mask of 40, none of which is set (line 9)"),
        (data("div_", operand(at=2.0), {"name": "other", "number": 0.0}),
         "2 / 0: the divisor is a plain 0"),
        (data("div", operand(at="inf"), operand("other", at="inf")),
         "infinity divided by infinity"),
        (data("mul", operand(at=0.0), operand("other", at="-inf")), "0 * -inf"),
        (data("sub", operand(at="inf"), operand("other", at="inf")), "inf - inf"),
        (data("exp", operand(high=89.0), kind=["inf"]),
         "exp(x) overflows float32 above 88.72, and x reached 89"),
        (data("exp", operand(high=12.0, dtype="float16"), kind=["inf"], dtype="float16"),
         "exp(x) overflows float16 above 11.09, and x reached 12"),
        (data("mm", operand(high=900.0), operand("mat2", high=800.0), kind=["inf"],
              dtype="float16"), "above 65,504, the largest number of float16"),
        (data("mean", operand(shape=[0, 4])), "the mean of nothing"),
        (data("_softmax", operand(), row={"length": 7, "masked": 7}), "all 7 are -inf"),
        (data("pow", operand(at=-2.0), {"name": "exponent", "number": 0.5}),
         "a negative number to a power that is not whole (-2 ** 0.5)"),
        (data("remainder", operand(at=1.0), operand("other", at=0.0, zeros=1)),
         "the remainder of a division by 0"),
        (data("lgamma", operand(at=0.0)), "lgamma has a pole at 0"),
        (data("_foreach_addcdiv_", operand(), operand("tensor1", at=0.0),
              operand("tensor2", at=0.0, zeros=1), phase="optimizer", dtype="float16"),
         "its eps is 0 in float16"),
        (data("addcdiv", operand(), operand("tensor1", at=0.0),
              operand("tensor2", at=0.0, zeros=1, made=MASK)),
         "0 / 0: the divisor is the sum of a mask of 40"),
        (data("div", operand(at=1.0), {"name": "other", "number": 0.0, "made": MASK}),
         "1 / 0: the divisor may be the sum of a mask of 40"),
        (data("native_layer_norm", operand(low=2.0), {"name": "eps", "number": 0.0}),
         "divides by a deviation that was 0"),
        (data("native_layer_norm", operand(high=1e30), {"name": "eps", "number": 0.0}),
         "its operands were finite"),
        (data("nll_loss_forward", operand(), operand("target")), "no target counts"),
        (data("nll_loss_forward", operand(bad=["-inf"]), operand("target")),
         "its operands were infinite"),
        (data("frobnicate", operand()), "its operands were finite: self from 0.5 to 2"),
        (data("frobnicate", operand(bad=["-inf"])), "its operands were infinite, as a mask is"),
    ],
)  # fmt: skip
def test_reasons(given: dict[str, Any], says: str) -> None:
    assert says in why(given)
    assert says in told(given)


def backward(op: str, *given: dict[str, Any], **facts: Any) -> dict[str, Any]:
    forward = {"op": op, "operands": list(given)}
    return data("div", operand(at=1.0), phase="backward", node="X", forward=forward, **facts)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (backward("sqrt", operand(zeros=2, low=0.0)), "the derivative of sqrt at 0 is infinite; w"),
        (backward("acos", operand(high=1.0)), "the derivative of acos at 1 and -1 is infinite"),
        (backward("pow", operand(zeros=1), {"name": "exponent", "number": 0.5}),
         "the derivative of x ** 0.5 at 0 is infinite"),
        (backward("exp", operand(high=100.0)), "exp had overflowed to infinity"),
        (backward("linalg_svd", operand()), "divides by differences of its values"),
    ],
)  # fmt: skip
def test_reasons_of_backward_passes(given: dict[str, Any], says: str) -> None:
    assert says in told(given)
    assert blamed(given) == given["forward"]["op"]
    assert has_no_value(given)


def test_samples_are_named_only_where_the_result_has_a_row_for_each() -> None:
    log = data("log", operand(at=0.0))
    assert "in sample 5 of the 8 in the batch" in told(log)
    assert "in all 8 samples" in told({**log, "bad_rows": 8})
    assert "sample" not in told({**log, "batch": 16})
    assert "sample" not in told({**log, "batch": None})
    assert "sample" not in told(data("log", operand(at=0.0, weight="scale")))


def test_what_was_given_broken_is_said_as_that() -> None:
    table = data("", phase="given", given="data", shape=[64, 4], rows=[37])
    assert told(table).startswith("the data held NaN in 1 of 64 rows (37) before anything")
    assert mend(table) == "drop the rows that are not finite, or fill them in"
    weight = data("", phase="given", given="head.weight")
    assert told(weight) == "`head.weight` held NaN before step 3"
    assert mend(weight) is None


def test_a_second_run_says_whether_it_was_the_same() -> None:
    assert "(seen in a second run with the same losses)" in told(data("log", differs_from=None))
    assert "were others from step 2 on" in told(data("log", differs_from=2))


def test_no_rate_is_blamed_for_what_has_no_value() -> None:
    assert has_no_value(data("div", operand(at=0.0), operand("other", at=0.0, zeros=1)))
    assert has_no_value(data("_softmax", operand(), row={"length": 7, "masked": 7}))
    for large in (
        data("log", operand(at=0.0)),
        data("mm", operand(high=1e30), kind=["inf"]),
        data("_log_softmax", operand(high=2e38), kind=["-inf"]),
        data("frobnicate", operand()),
    ):
        assert not has_no_value(large)
    assert "the result lies above" in why(data("_log_softmax", operand(high=2e38), kind=["-inf"]))


def test_a_loss_that_grew_may_be_the_rate_s_fault_all_the_same() -> None:
    facts = data("std", operand(shape=[1]), shape=[1])
    for losses, expected in (([1.0, 0.9, 0.8], True), ([1.0, 5.0, 70.0], False)):
        event = Event("nonfinite_traced", 3, facts)
        run = make_run(loss=[*losses, float("nan")], events=[event])
        assert is_undefined(run, run.trainings[0], 3) == expected


@pytest.mark.parametrize(
    ("more", "at", "applies"),
    [
        ({}, 3, True),
        ({}, 2, True),
        ({}, 1, False),
        ({"differs_from": None}, 1, True),
        ({}, 4, False),
    ],
)
def test_a_run_s_own_trace_counts_for_its_step_alone(more: Any, at: int, applies: bool) -> None:
    nan = float("nan")
    facts = data("std", operand(shape=[1]), shape=[1], **{"at": at, **more})
    run = make_run(loss=[1.0, 1.0, 1.0, nan], events=[Event("nonfinite_traced", at, facts)])
    assert (tracing_of(run, run.trainings[0], 3) is not None) == applies
    assert is_undefined(run, run.trainings[0], 3) == applies


def test_of_several_traces_the_nearest_counts() -> None:
    skipped, broken = data("mul", operand(), at=2), data("log", operand(at=0.0), at=3)
    events = [Event("nonfinite_traced", 2, skipped), Event("nonfinite_traced", 3, broken)]
    run = make_run(loss=[1.0, 1.0, 1.0, float("nan")], events=events)
    found = tracing_of(run, run.trainings[0], 3)
    assert found is not None
    assert found.data["op"] == "log"
    again = data("sqrt", operand(), at=2, differs_from=None)
    run = make_run(loss=[1.0, 1.0, 1.0, float("nan")],
                   events=[*events, Event("nonfinite_traced", 2, again)])  # fmt: skip
    found = tracing_of(run, run.trainings[0], 3)
    assert found is not None
    assert found.data["op"] == "sqrt", "a second run has looked for this step alone"


@pytest.mark.parametrize(
    ("op", "low", "high", "known"),
    [
        ("atanh", -0.5, 0.5, False), ("atanh", -1.0, 0.5, True), ("erfinv", -0.5, 1.0, True),
        ("erfinv", -0.5, 0.5, False), ("logit", 0.0, 0.5, True), ("logit", 0.1, 0.5, False),
    ],
)  # fmt: skip
def test_a_derivative_is_infinite_at_the_edges_alone(
    op: str, low: float, high: float, known: bool
) -> None:
    facts = backward(op, operand(low=low, high=high), kind=["inf"])
    assert ("is infinite" in why(facts)) is known
