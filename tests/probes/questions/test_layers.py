"""What is read off the recorded operations: attention, residual sums, linear stacks, dropout."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.questions import attention, dropout, inputs, linear, order, residual, spread
from assay.replay.structure import NotReplayable

from .faked import asked, makers, op, score

# -- attention ----------------------------------------------------------------------------------

QUERY, KEY = op("addmm", [90, 91, 92], 1, (4, 16)), op("linear", [90, 93], 2, (4, 16))
PRODUCT = op("bmm", [1, 2], 3, (4, 6, 6))


def softmax_of(*between: Any, product: Any = PRODUCT) -> tuple[Any, dict[int, Any]]:
    chain = [QUERY, KEY, product, *between]
    return op("softmax", [chain[-1].made[0][1]], 50, (4, 6, 6)), makers(*chain)


@pytest.mark.parametrize(
    ("between", "found", "scaled"),
    [
        ([], True, False),
        ([op("mul", [3, 0.25], 4)], True, True),
        ([op("div", [3, 4.0], 4), op("masked_fill", [4], 5)], True, True),
        ([op("masked_fill", [3], 4), op("view", [4], 5)], True, False),
        ([op("relu", [3], 4)], False, False),
        ([op("mul", [3, 0.25], 4), op("relu", [4], 5)], False, False),
        ([op("relu", [3], 4), op("mul", [4, 0.25], 5)], False, True),
        ([op("view", [3 + n], 4 + n) for n in range(23)], True, False),
        ([op("view", [3 + n], 4 + n) for n in range(24)], False, False),
    ],
)
def test_the_product_behind_a_softmax(between: Any, found: bool, scaled: bool) -> None:
    softmax, known = softmax_of(*between)
    product, how = attention.product_behind(softmax, known)
    assert (product is PRODUCT, how) == (found, scaled)


def test_a_product_that_scales_by_itself() -> None:
    product = op("baddbmm", [80, 1, 2], 3, (4, 6, 6))
    softmax, known = softmax_of(product=product)
    assert attention.product_behind(softmax, known) == (product, True)
    assert attention._width(product, known) == 16


@pytest.mark.parametrize(
    ("operations", "plain"),
    [
        ([QUERY, KEY, PRODUCT], True),
        ([QUERY, KEY, op("view", [2], 4), op("bmm", [1, 4], 3)], True),
        ([QUERY, KEY, op("add", [2, 70], 4), op("bmm", [1, 4], 3)], True),
        ([QUERY, KEY, op("add", [2, 71], 4), op("bmm", [1, 4], 3)], False),
        ([QUERY, KEY, op("add", [2, 70, 71], 4), op("bmm", [1, 4], 3)], False),
        ([QUERY, KEY, op("tanh", [2], 4), op("bmm", [1, 4], 3)], False),
        ([QUERY, KEY, op("tanh", [1], 4), op("bmm", [4, 2], 3)], False),
        ([QUERY, op("bmm", [1, 70], 3)], False),
        ([QUERY, op("view", [70], 4), op("bmm", [1, 4], 3)], False),
    ],
)
def test_both_sides_are_results_of_layers(operations: Any, plain: bool) -> None:
    assert attention._is_plain(operations[-1], makers(*operations), {70, 90}) is plain


def test_the_spread_of_finite_scores_of_the_median_query() -> None:
    scores = torch.tensor([[0.0, 2, -torch.inf], [1, 2, 6], [0, 0, 0], [5, -torch.inf, -torch.inf],
                           [0, 8, -1e9]])  # fmt: skip
    each = sorted([2**0.5, 7**0.5, 0.0, 32**0.5])
    assert attention._spread(scores.half()) == pytest.approx(each[1], rel=1e-3)
    assert attention._spread(scores[3:4]) == 0
    assert attention._spread(scores[:1, None]) == pytest.approx(2**0.5)


def test_the_worst_attention_is_told_with_its_width_and_line() -> None:
    wide = [op("addmm", [90, 91, 92], 11, (4, 5)), op("mm", [90, 91], 12, (4, 5)),
            op("bmm", [11, 12], 13, (4, 6, 6)), op("softmax", [13], 14)]  # fmt: skip
    narrow = [QUERY, KEY, PRODUCT, op("safe_softmax", [3], 15)]
    plain = {3: torch.tensor([[0.0, 2.0]]), 13: torch.tensor([[0.0, 4.0]])}
    made = asked([*narrow, *wide], plain=plain)
    ((name, _, value),) = attention.unscaled_scores(made)
    assert (name, value) == ("unscaled_scores", pytest.approx(8**0.5))
    assert made.events == [("scores_unscaled", {"width": 5, "line": ["train.py", 7, "bmm"]})]
    scaled = asked([QUERY, KEY, PRODUCT, op("mul", [3, 0.5], 4), op("softmax", [4], 5)])
    assert list(attention.unscaled_scores(scaled)) == [("unscaled_scores", "", 0.0)]
    assert scaled.events == []
    with pytest.raises(NotReplayable, match="no attention by hand"):
        list(attention.unscaled_scores(asked([QUERY, op("softmax", [1], 5)])))


# -- residual sums ------------------------------------------------------------------------------

BRANCH = [op("mm", [1, 80], 2), op("relu", [2], 3), op("add", [1, 3], 4)]
GAMMA = torch.full((8,), -0.25, requires_grad=True)
HELD = {80: torch.ones(4, 4), 81: GAMMA, 82: torch.full((8,), 0.5)}
MASK, WIDE = op("bernoulli", [60], 61, (8, 1)), op("bernoulli", [60], 61, (8, 4))


@pytest.mark.parametrize(
    ("operations", "factor", "how"),
    [
        ([], 1.0, None),
        ([op("mul", [4, 0.1], 5)], 0.1, "a constant"),
        ([op("mul", [4, -0.1], 5)], 0.1, "a constant"),
        ([op("div", [4, 8.0], 5)], 0.125, "a constant"),
        ([op("mul", [4, 3.0], 5)], 1.0, "a constant"),
        ([op("mul", [4, 0.0], 5)], 1.0, None),
        ([op("mul", [4, 81], 5)], 0.25, "a weight"),
        ([op("mul", [81, 4], 5)], 0.25, "a weight"),
        ([op("mul", [4, 82], 5)], 1.0, None),
        ([op("div", [4, 81], 5)], 1.0, None),
        ([op("mul", [3, 0.1], 5)], 1.0, None),
        ([MASK, op("mul", [4, 61], 5)], 0.0, "a random mask"),
        ([WIDE, op("mul", [4, 61], 5)], 1.0, None),
        ([op("rand", [], 60), op("floor", [60], 61, (8, 1)), op("mul", [4, 61], 5)], 0.0,
         "a random mask"),
        ([MASK, op("div", [4, 0.8], 5), op("mul", [5, 61], 6)], 0.0, "a random mask"),
        ([MASK, op("mul", [4, 0.8], 5), op("mul", [5, 61], 6)], 0.8, "a constant"),
        ([op("mul", [4, 0.5], 5), op("mul", [4, 0.1], 6)], 0.1, "a constant"),
    ],
)  # fmt: skip
def test_the_smallest_factor_of_a_residual_sum(
    operations: Any, factor: float, how: str | None
) -> None:
    made = asked([*BRANCH, *operations], held=HELD)
    assert list(residual.scaled_sums(made)) == [("residual_factor", "", pytest.approx(factor))]
    events = [data for _, data in made.events]
    count = sum(each.name in ("mul", "div") for each in operations) if "0.8" not in str(how) else 1
    assert [data["how"] for data in events] == ([how] if how else [])
    if how and len(operations) == 1:
        assert events[0]["line"] == ["train.py", 7, "add"]
        assert events[0]["count"] == count == 1


@pytest.mark.parametrize(
    ("operations", "leads"),
    [
        (BRANCH[:2], True),
        ([op("relu", [1], 3)], False),
        ([op("relu", [1], 2), op("bmm", [2, 2], 3)], True),
        ([op("mm", [9, 80], 3)], False),
        ([op("mm", [1, 80], 2), op("zeros_like", [2], 3)], False),
        ([op("mm", [1, 80], 2), *(op("relu", [n], n + 1) for n in range(2, 30)),
          op("add", [30, 2], 3)], True),
        ([op("mm", [1, 80], 200), *(op("relu", [n], n + 1) for n in range(200, 278)),
          op("relu", [278], 3)], True),
        ([op("mm", [1, 80], 200), *(op("relu", [n], n + 1) for n in range(200, 279)),
          op("relu", [279], 3)], False),
    ],
)  # fmt: skip
def test_a_branch_leads_through_a_layer(operations: Any, leads: bool) -> None:
    known = makers(*operations)
    assert residual._leads(1, 3, known) is leads
    assert residual._is_residual(1, 3, known) is leads
    assert residual._is_residual(3, 1, known) is leads


@pytest.mark.parametrize(
    ("shape", "by_sample"),
    [((8, 1), True), ((8, 1, 1), True), ((8,), False), ((8, 2), False), ((1, 1), False)],
)
def test_one_number_a_sample(shape: Any, by_sample: bool) -> None:
    assert residual._is_by_sample(5, makers(op("bernoulli", [], 5, shape))) is by_sample
    assert residual._is_by_sample(6, {}) is False


def test_no_residual_block() -> None:
    with pytest.raises(NotReplayable, match="no residual block"):
        list(residual.scaled_sums(asked([op("relu", [1], 3), op("add", [1, 3], 4)])))


# -- linear stacks ------------------------------------------------------------------------------


def weight(*shape: int) -> torch.Tensor:
    return torch.ones(shape, requires_grad=True)


WEIGHTS = {
    20: weight(8, 8), 21: weight(8, 8), 22: weight(8, 8), 23: weight(8),
    30: weight(8, 8, 3, 3), 31: weight(8, 8, 3, 3), 32: weight(8, 8, 1, 1), 33: weight(3, 8),
    34: weight(8, 3), 35: torch.ones(8, 8),
}  # fmt: skip


def conv(needs: Any, made: int, *, turned: bool = False, groups: int = 1, width: int = 8) -> Any:
    found = op("convolution", needs, made, (4, width, 5, 5))
    found.args += (None, (1, 1), (0, 0), (1, 1), turned, (0, 0), groups)
    return found


def mm(given: int, by: int, made: int, width: int = 8) -> Any:
    return op("mm", [given, by], made, (4, width))


@pytest.mark.parametrize(
    ("operations", "behind"),
    [
        ([mm(1, 20, 2), mm(2, 21, 3)], [None, 20]),
        ([mm(1, 20, 2), op("relu", [2], 3), mm(3, 21, 4)], [None, None]),
        ([mm(1, 20, 2), op("view", [2], 3), mm(3, 21, 4)], [None, 20]),
        ([mm(1, 20, 2), op("add", [2, 23], 3), mm(3, 21, 4)], [None, 20]),
        ([mm(1, 20, 2), op("add", [2, 9], 3), mm(3, 21, 4)], [None, None]),
        ([mm(1, 20, 2), op("mul", [2, 0.5], 3), mm(3, 21, 4)], [None, 20]),
        ([mm(1, 20, 2), op("mul", [2, 9], 3), mm(3, 21, 4)], [None, None]),
        ([mm(1, 20, 2), op("bernoulli", [2], 5), op("mul", [2, 5], 3), mm(3, 21, 4)],
         [None, None]),
        ([mm(1, 20, 2), op("empty_like", [2], 5), op("bernoulli", [5], 6),
          op("mul", [2, 6], 3), mm(3, 21, 4)], [None, 20]),
        ([mm(1, 20, 2), mm(2, 21, 3), op("relu", [2], 4)], [None, None]),
        ([mm(1, 20, 2), mm(2, 21, 3), mm(3, 22, 4)], [None, 20, 21]),
        ([mm(1, 20, 2), mm(2, 20, 3)], [None, None]),
        ([op("t", [20], 5), mm(1, 5, 2), op("t", [21], 6), mm(2, 6, 3)], [None, 20]),
        ([op("addmm", [23, 1, 20], 2, (4, 8)), op("addmm", [23, 2, 21], 3, (4, 8))], [None, 20]),
        ([op("linear", [1, 20, 23], 2, (4, 8)), op("linear", [2, 21], 3, (4, 8))], [None, 20]),
        ([mm(1, 35, 2), mm(2, 21, 3)], [None]),
        ([mm(20, 21, 2)], []),
        ([mm(1, 33, 2, 3), mm(2, 34, 3)], [None, None]),  # of low rank on purpose
        ([mm(1, 34, 2), mm(2, 33, 3, 3)], [None, 34]),
        ([conv([1, 30], 2), conv([2, 31], 3)], [None, 30]),
        ([conv([1, 30], 2), conv([2, 32], 3)], [None, None]),
        ([conv([1, 30], 2), conv([2, 31], 3, turned=True)], [None]),
        ([conv([1, 30], 2), conv([2, 31], 3, groups=8)], [None]),
        ([conv([1, 30], 2, width=3), conv([2, 31], 3)], [None, None]),
        ([conv([1, 30], 2), mm(2, 21, 3)], [None, None]),
        ([mm(1, 20, 77), mm(77, 21, 3)], [None, None]),  # the model gives it back
    ],
)  # fmt: skip
def test_layers_that_are_given_the_result_of_another(operations: Any, behind: Any) -> None:
    tape: Any = SimpleNamespace(operations=operations, given=WEIGHTS)
    found = list(linear._layers(tape, {77}))
    assert [layer.before and id(layer.before.weight) for layer in found] == [
        number and id(WEIGHTS[number]) for number in behind
    ]


@pytest.mark.parametrize(
    ("operations", "share", "told"),
    [
        ([mm(1, 20, 2), mm(2, 21, 3), op("relu", [3], 4), mm(4, 22, 5)], 0.5, 1),
        ([mm(1, 20, 2), op("relu", [2], 3), mm(3, 21, 4), mm(4, 22, 5)], 0.0, 0),
        ([mm(1, 20, 2), mm(2, 21, 3), mm(3, 22, 4)], 1.0, 2),
        ([mm(1, 20, 2), mm(2, 21, 3)], 1.0, 1),
        ([mm(1, 20, 2), op("relu", [2], 3), mm(3, 21, 4)], 0.0, 0),
    ],
)
def test_the_share_of_layers_behind_another(operations: Any, share: float, told: int) -> None:
    made = asked(operations, held=WEIGHTS)
    assert list(linear.linear_pairs(made)) == [("linear_share", "", share)]
    assert [data for _, data in made.events] == [
        {"first": "a name", "second": "a name", "line": ["train.py", 7, "mm"]}
    ] * told


@pytest.mark.parametrize("name", ["attention.in_proj_weight", "layers.0.attention.out_proj.weight"])
def test_projections_of_attention_are_as_they_are(name: str) -> None:
    for at in (0, 1):
        made = asked([mm(1, 20, 2), mm(2, 21, 3)], held=WEIGHTS)
        named = WEIGHTS[20 + at]
        made.watch.names.parameter = lambda held, own=named: name if held is own else "other"
        assert list(linear.linear_pairs(made)) == [("linear_share", "", 0.0)]


def test_one_layer_alone() -> None:
    with pytest.raises(NotReplayable, match="no two layers"):
        list(linear.linear_pairs(asked([mm(1, 20, 2)], held=WEIGHTS)))


# -- dropout ------------------------------------------------------------------------------------

BERNOULLI = torch.ops.aten.bernoulli_.float


def drawn(given: int, *args: Any) -> Any:
    made = op("bernoulli", [given, *args], given + 1)
    made.function = BERNOULLI
    return made


@pytest.mark.parametrize(
    ("operation", "share"),
    [
        (op("native_dropout", [1, 0.3, True], 2), 0.3),
        (op("native_dropout", [1, 0.3, False], 2), None),
        (drawn(1, 0.8), 0.2),
        (drawn(1), 0.5),
        (op("bernoulli", [1, 0.8], 2), None),
        (op("relu", [1], 2), None),
    ],
)
def test_the_share_that_is_dropped(operation: Any, share: float | None) -> None:
    assert dropout._share(operation) == (share and pytest.approx(share))


@pytest.mark.parametrize(
    ("operations", "loss", "facts", "told"),
    [
        ([op("native_dropout", [1, 0.3, True], 2)], 4.0, [0.3, 0.75], []),
        ([op("native_dropout", [1, 0.3, True], 2)], 0.0, [0.3], []),
        ([op("native_dropout", [1, 0.3, True], 2)], None, [0.3], []),
        ([op("native_dropout", [1, 0.3, True], 2), op("native_dropout", [2, 0.7, True], 3),
          op("native_dropout", [3, 0.1, True], 4)], 4.0, [0.7, 0.75], [0.7]),
        ([op("empty_like", [1], 5), drawn(5, 0.2)], 4.0, [0.8, 0.75], [0.8]),
        ([op("empty_like", [99], 5), drawn(5, 0.2)], 4.0, None, []),
        ([op("native_dropout", [99, 0.3, True], 2)], 4.0, None, []),
    ],
)  # fmt: skip
def test_the_part_of_the_loss_that_goes_without(
    operations: Any, loss: float | None, facts: Any, told: Any
) -> None:
    made = asked(operations, held={99: torch.ones(1)})
    made.replays.recorded = None if loss is None else torch.tensor(loss)
    made.without_dropout = lambda: 1.0
    if facts is None:
        with pytest.raises(NotReplayable, match="only that of inputs"):
            list(dropout.dropout_gap(made))
        return
    assert [value for _, _, value in dropout.dropout_gap(made)] == pytest.approx(facts)
    assert [data["share"] for _, data in made.events] == pytest.approx(told)


# -- spread of answers --------------------------------------------------------------------------

ANSWERS = torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0], [6.0, 1.0]])
STD = float(torch.tensor([0.0, 2.0, 4.0, 6.0]).std())
CLAMPED = float(torch.tensor([1e-12, 1 - 1e-7] * 2).logit().std())


@pytest.mark.parametrize(
    ("name", "answer", "target", "expected"),
    [
        ("nll_loss", ANSWERS, ANSWERS, STD),
        ("nll_loss", ANSWERS[:, :1], ANSWERS, None),
        ("nll_loss", ANSWERS[:, 0], ANSWERS, None),
        ("nll_loss", ANSWERS[:3], ANSWERS, None),
        ("nll_loss", ANSWERS.t()[None], ANSWERS, STD),
        ("cross_entropy", ANSWERS, ANSWERS, float(ANSWERS.log_softmax(1).std(0).max())),
        ("binary_cross_entropy_with_logits", ANSWERS, ANSWERS, STD),
        ("binary_cross_entropy_with_logits", ANSWERS[:, 0], ANSWERS, STD),
        ("binary_cross_entropy", ANSWERS.sigmoid(), ANSWERS, STD),
        ("binary_cross_entropy", torch.tensor([0.0, 1.0, 0.0, 1.0]), ANSWERS[:, 0], CLAMPED),
        ("mse_loss", ANSWERS, ANSWERS / 2, 2.0),
        ("mse_loss", ANSWERS[:, 0], ANSWERS[:, 0] / 4, 4.0),
        ("mse_loss", ANSWERS, ANSWERS[:, 0], None),
        ("mse_loss", ANSWERS[:3], ANSWERS[:3], None),
        ("mse_loss", ANSWERS[0, 0], ANSWERS[0, 0], None),
        ("mse_loss", ANSWERS, torch.ones(4, 2), None),
        ("mse_loss", ANSWERS * torch.nan, ANSWERS, None),
        ("nll_loss", ANSWERS.masked_fill(torch.eye(4)[:, :2] > 0, torch.nan), ANSWERS, None),
        ("kl_div", ANSWERS, ANSWERS, None),
    ],
)
def test_how_far_answers_lie_from_their_mean(
    name: str, answer: torch.Tensor, target: torch.Tensor, expected: float | None
) -> None:
    scored = score(name, answer.shape, target.shape)
    found = spread._spread(asked(held={2: target}), scored, answer, target)
    assert found == (expected and pytest.approx(expected, rel=1e-4))


def test_targets_that_a_model_makes_give_no_scale() -> None:
    scored = score("mse_loss", (4, 2), (4, 2))
    found = spread._spread(asked(), scored, ANSWERS, ANSWERS * 100)
    assert found == pytest.approx(STD / (60 / 8) ** 0.5)
    assert spread._spread(asked(), scored, ANSWERS * 0, ANSWERS) is None


def test_a_masked_class_and_the_largest_spread_count() -> None:
    masked = torch.cat([ANSWERS, torch.full((4, 1), -torch.inf)], 1)
    made = asked(given=[ANSWERS], scored=[score("nll_loss", (4, 3), (4,)),
                                          score("mse_loss", (4, 3), (4,))],
                 plain={1: masked, 2: ANSWERS[:, 0]})  # fmt: skip
    assert list(spread.answer_spread(made)) == [("answer_spread", "", pytest.approx(STD))]
    assert made.events == []


@pytest.mark.parametrize(
    ("tensor", "varies"),
    [
        (ANSWERS, True),
        (ANSWERS[:2], True),
        (ANSWERS[:1], False),
        (torch.tensor(1.0), False),
        (torch.ones(4, 2), False),
    ],
)
def test_rows_that_differ(tensor: torch.Tensor, varies: bool) -> None:
    assert spread._varies(tensor) is varies
    assert inputs._varies(tensor) is varies


ALIKE, APART = torch.full((4, 3), 5.0), torch.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    ("operations", "values", "lost"),
    [
        ([op("norm", [5], 1, (4, 3))], {5: APART, 1: ALIKE}, "norm"),
        ([op("norm", [5], 6, (4, 3)), op("mm", [6], 1, (4, 3))],
         {5: APART, 6: ALIKE + 1e-3 * APART / 11, 1: ALIKE}, "norm"),
        ([op("norm", [5], 6, (4, 3)), op("mm", [6], 1, (4, 3))],
         {5: APART, 6: ALIKE + 0.01 * APART, 1: ALIKE}, "mm"),
        ([op("norm", [5], 6, (4, 3)), op("view", [6], 7, (12,)), op("mm", [7], 1, (4, 3))],
         {5: APART, 6: ALIKE, 7: ALIKE.flatten(), 1: ALIKE}, "norm"),
        ([op("norm", [5], 1, (4, 3))], {5: ALIKE, 1: ALIKE}, None),
        ([op("zeros", [], 1, (4, 3))], {1: ALIKE}, None),
    ],
)  # fmt: skip
def test_where_samples_become_alike(operations: Any, values: Any, lost: str | None) -> None:
    first = op("input", [9], 5, (4, 3))
    made = asked([first, *operations], scored=[score("mse_loss", (), ()),
                                               score("kl_div", (4, 3), (4, 3)),
                                               score("mse_loss", (4, 3), (4, 3))])  # fmt: skip

    def changed(changes: Any, *numbers: int, each: Any) -> list[torch.Tensor]:
        for operation in made.replays.tape.operations:
            each(operation, values)
        return []

    made.changed = changed
    found = spread._lost_at(made)
    assert (found and found.name) == lost


def test_why_the_spread_is_not_asked() -> None:
    with pytest.raises(NotReplayable, match="alike"):
        list(spread.answer_spread(asked(given=[ALIKE])))
    with pytest.raises(NotReplayable, match="can be told"):
        list(spread.answer_spread(asked(given=[ANSWERS])))


# -- order of a sequence ------------------------------------------------------------------------

PLACED = torch.arange(24.0).reshape(4, 6)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (PLACED, PLACED[:, :, None]),
        (PLACED.flatten(), PLACED[:, :, None]),
        (torch.arange(72.0).reshape(4, 6, 3), torch.arange(72.0).reshape(4, 6, 3)),
        (torch.arange(72.0).reshape(24, 3), torch.arange(72.0).reshape(4, 6, 3)),
        (torch.arange(72.0).reshape(4, 6, 3).movedim(2, 1), torch.arange(72.0).reshape(4, 6, 3)),
    ],
)
def test_answers_at_places(made: torch.Tensor, expected: torch.Tensor) -> None:
    assert torch.equal(order._at_places(made, 4, 6), expected)


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        (torch.zeros(4, 4).long(), True),
        (torch.zeros(4, 4).to(torch.int8), False),
        (torch.zeros(4, 4), False),
        (torch.zeros(3, 4).long(), False),
        (torch.zeros(4, 3).long(), False),
        (torch.zeros(4, 4, 2), True),
        (torch.zeros(4, 4, 2).long(), False),
        (torch.zeros(3, 4, 2), False),
        (torch.zeros(4), False),
    ],
)
def test_sequences(tokens: torch.Tensor, found: bool) -> None:
    assert order._is_sequences(tokens) is found


class PositionEncoding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.ones(2))


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"pos_embed": nn.Parameter(torch.ones(2))}, ["pos_embed"]),
        ({"wpe": nn.Embedding(4, 2)}, ["wpe.weight"]),
        ({"where": PositionEncoding()}, ["where.table"]),
        ({"Positions": nn.Embedding(4, 2)}, ["Positions.weight"]),
        ({"pose": nn.Linear(2, 2), "compose": nn.Linear(2, 2), "pea": nn.Linear(2, 2)}, []),
    ],
)
def test_what_holds_positions(parts: dict[str, Any], found: list[str]) -> None:
    model = nn.Module()
    for name, part in parts.items():
        setattr(model, name, part)
    assert [name for name, _ in order._positions(model)] == found
    assert order.has_positions(model) is bool(found)


def test_the_operation_that_uses_positions() -> None:
    held = torch.ones(2)
    other, part, more = op("relu", [8], 9), op("slice", [7], 10), op("unsqueeze", [10], 11)
    use = op("add", [9, 11], 12)
    for operations, found in (([other, part, more, use], use), ([other, part, more], None)):
        assert order._user(asked(operations, held={7: held}), held) is found


WORDS = torch.arange(24).reshape(4, 6) + 1


class Placed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.ones(2))


def order_change(answer: Any, words: torch.Tensor = WORDS, **more: Any) -> Any:
    before = answer(words)
    counted = more.pop("counted", (len(words),))
    made = asked(scored=[score("mse_loss", before.shape, counted)], plain={1: before},
                 answer=answer, **more)  # fmt: skip
    made.replays.calls = [SimpleNamespace(module=Placed(), inputs={(0, 0): words})]
    return made


def moved(words: torch.Tensor, first: int = 0, length: int = 6) -> torch.Tensor:
    order_ = torch.arange(words.shape[1])
    generator = torch.Generator().manual_seed(0)
    order_[first:length] = torch.randperm(length - first, generator=generator) + first
    return order_


def test_the_change_of_answers_over_their_spread() -> None:
    def first_word(words: torch.Tensor) -> torch.Tensor:
        return words[:, :1].float() ** 2

    made = order_change(first_word)
    ((_, _, change),) = order.changed_order(made)
    one, other = first_word(WORDS), first_word(WORDS[:, moved(WORDS)])
    spread_ = (one - one.mean(0)).abs().median()
    assert change == pytest.approx(float((one - other).abs().median() / spread_))
    assert made.events == []


def test_answers_at_positions_are_compared_where_their_elements_went() -> None:
    made = order_change(lambda words: words.float()[:, :, None] * torch.ones(3), counted=(4, 6))
    assert list(order.changed_order(made)) == [("order_change", "", 0.0)]
    ((kind, data),) = made.events
    assert kind == "positions_without_effect"
    assert (data["name"], data["line"]) == ("a name", None)
    places = torch.arange(6.0)
    made = order_change(lambda words: (words + places)[:, :, None], counted=(4, 6))
    ((_, _, change),) = order.changed_order(made)
    one = (WORDS + places)[:, moved(WORDS)]
    other = WORDS[:, moved(WORDS)] + places
    spread_ = (one.flatten() - one.mean()).abs().median()
    assert change == pytest.approx(float((one - other).abs().flatten().median() / spread_))


@pytest.mark.parametrize("begin", [False, True])
def test_padding_stays_where_it_is(begin: bool) -> None:
    words = WORDS.masked_fill(torch.arange(6) >= torch.tensor([[6], [6], [5], [4]]), 0)
    words = words.flip(1) if begin else words
    given: list[torch.Tensor] = []

    def answer(new: torch.Tensor) -> torch.Tensor:
        given.append(new)
        return new[:, 2:3].float()

    list(order.changed_order(order_change(answer, words)))
    first, length = (2, 6) if begin else (0, 4)
    assert torch.equal(given[-1], words[:, moved(words, first, length)])
    assert torch.equal(given[-1] == 0, words == 0)


def test_why_the_order_is_not_asked() -> None:
    ones = torch.ones(4, 6).long()
    short = WORDS.masked_fill(torch.arange(6) >= torch.tensor([[6], [6], [5], [3]]), 0)
    for made, why in (
        (order_change(lambda words: words[:, :1].float(), ones), "are alike"),
        (order_change(lambda words: words[:, :1].float(), short), "too few real"),
        (order_change(lambda words: words[:, :1].float(), WORDS.float()), "given sequences"),
        (order_change(lambda words: words[:3, :1].float()), "scored one answer"),
        (order_change(lambda words: words[:, :1].float() * 0), "scored one answer"),
    ):
        with pytest.raises(NotReplayable, match=why):
            list(order.changed_order(made))
    plain = order_change(lambda words: words[:, :1].float())
    plain.replays.calls[0].module = nn.Linear(2, 2)
    with pytest.raises(NotReplayable, match="called positions"):
        list(order.changed_order(plain))


# -- inputs -------------------------------------------------------------------------------------


class Takes(nn.Module):
    def forward(self, x: Any, y: Any, *rest: Any, z: Any = None, **more: Any) -> None: ...


@pytest.mark.parametrize(
    ("path", "name"),
    [((0, 0), "x"), ((0, 1), "y"), ((0, 2), None), ((1, "z"), "z"), ((1, "other"), None),
     ((0, 0, 1), None)],
)  # fmt: skip
def test_names_of_inputs(path: Any, name: str | None) -> None:
    call: Any = SimpleNamespace(module=Takes())
    assert inputs._name(call, path) == name
    assert inputs.forward_line(call) == [__file__, Takes.forward.__code__.co_firstlineno, "forward"]


def test_numbers_that_stand_for_the_same_memory() -> None:
    same = inputs._Aliases()
    same.join(2, 1)
    same.join(3, 2)
    same.join(1, 3)
    assert {same.of(each) for each in (1, 2, 3)} == {1}
    assert same.of(4) == 4


ATEN = torch.ops.aten


def real(function: Any, needs: Any, made: int | None, *, found: Any = ()) -> Any:
    operation = op(function._schema.name.rpartition(":")[2].strip("_") if function else "", needs,
                   made)  # fmt: skip
    operation.function = function
    operation.found = list(found)
    return operation


@pytest.mark.parametrize(
    ("operations", "result", "reaches"),
    [
        ([real(ATEN.relu.default, [1], 2)], [2], True),
        ([real(ATEN.relu.default, [5], 2)], [2], False),
        ([real(ATEN.relu.default, [1], 2), real(ATEN.mm.default, [7, 2], 3)], [3], True),
        ([real(ATEN.zeros_like.default, [1], 2)], [2], False),
        ([real(None, [1], None)], [9], True),
        ([real(None, [5], None)], [9], False),
        ([real(ATEN.equal.default, [1, 5], None, found=[1])], [9], True),
        ([real(ATEN.add_.Tensor, [5, 1], 6)], [5], True),
        ([real(ATEN.copy_.default, [5, 1], 6)], [5], True),
        ([real(ATEN.select.int, [5, 0.0], 6), real(ATEN.add_.Tensor, [6, 1], 8)], [5], True),
        ([real(ATEN.select.int, [5, 0.0], 6), real(ATEN.add_.Tensor, [6, 7], 8)], [5], False),
        ([real(ATEN.select.int, [1, 0.0], 6)], [6], True),
        ([real(ATEN.relu.default, [1], 2)], [], True),
        ([real(ATEN.relu.default, [5], 2)] * 3 + [real(ATEN.relu.default, [1], 2)], [2], False),
    ],
)  # fmt: skip
def test_an_input_reaches_an_answer(operations: Any, result: list[int], reaches: bool) -> None:
    given = torch.ones(2)
    made = asked(operations, held={1: given})
    call: Any = SimpleNamespace(result=dict(enumerate(result)), ended_at=3)
    assert inputs._reaches(made, call, given) is reaches
    if reaches:
        assert inputs._reaches(made, call, torch.ones(2)) is False
