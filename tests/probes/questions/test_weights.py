"""How sharp and how even the weights of an attention are, against torch's own softmax."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from assay.probes.questions import weights
from assay.replay.operations import Operation, Slot
from assay.replay.structure import NotReplayable

from .faked import asked, op

ATEN = torch.ops.aten
QUERY, KEY = op("addmm", [90, 91, 92], 1, (4, 16)), op("linear", [90, 93], 2, (4, 16))
PRODUCT = op("bmm", [1, 2], 3, (4, 6, 6))


def expected(scores: torch.Tensor) -> tuple[float, float]:
    """Of rows with four keys or more; in float64, row by row."""
    most, ranges = [], []
    for row in scores.double().reshape(-1, scores.shape[-1]):
        real = row[row > -1e4] if bool((row > -1e4).any()) else row
        if len(real) >= 4:
            found = real.softmax(0)
            most.append(found.max())
            ranges.append((found.max() - found.min()) * len(real))
    return float(torch.stack(most).mean()), float(torch.stack(ranges).max())


def softmax(scores: torch.Tensor, *dim: Any) -> Any:
    return weights._numbers(op("softmax", [1, *dim], 2), {1: scores})


def random(*shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(shape) * 3


@pytest.mark.parametrize("dim", [-1.0, 0.0, 1.0])
def test_the_dimension_of_a_softmax(dim: float) -> None:
    scores = random(5, 6, 7)
    assert softmax(scores, "given") is None
    operation = op("softmax", [1], 2)
    operation.args = (*operation.args, int(dim))
    found = weights._numbers(operation, {1: scores})
    assert found == pytest.approx(expected(scores.movedim(int(dim), -1)), rel=1e-5)


def test_what_is_masked_counts_for_nothing() -> None:
    scores = random(3, 6, 6)
    assert softmax(scores) == pytest.approx(expected(scores), rel=1e-5)
    for mask in (-torch.inf, -1e9, -2e4):
        causal = scores.masked_fill(torch.ones(6, 6).triu(1).bool(), mask)
        assert softmax(causal) == pytest.approx(expected(causal), rel=1e-5)
        whole = torch.full((2, 5), mask)
        assert softmax(whole) == (None if mask == -torch.inf else pytest.approx((0.2, 0.0)))
        rows = torch.cat([causal[0], torch.full((2, 6), -torch.inf)])
        assert softmax(rows) == pytest.approx(expected(causal[0]), rel=1e-5), "no key, no weight"
    assert softmax(random(4, 3)) is None
    assert softmax(random(4, 4)) is not None
    many = torch.cat([random(32, 5), torch.full((8, 5), 0.0)])
    assert softmax(many) == pytest.approx(expected(many[:32]), rel=1e-5)


def fused(query: Any, key: Any, *rest: Any, **given: Any) -> Any:
    values = {1: query, 2: key, 3: key}
    for number, part in enumerate(rest, 4):
        values[number] = part
    args = tuple(Slot(number) for number in values)
    for name, part in given.items():
        if isinstance(part, torch.Tensor):
            values[20], given[name] = part, Slot(20)
    operation: Any = Operation(ATEN.scaled_dot_product_attention.default, args, given, grad=True)
    return weights._numbers(operation, values)


def test_attention_of_torch() -> None:
    query, key = random(2, 3, 6, 4), random(2, 3, 5, 4).flip(0)
    scores = query @ key.mT
    assert fused(query, key) == pytest.approx(expected(scores / 2), rel=1e-4)
    assert fused(query, key, scale=0.1) == pytest.approx(expected(scores * 0.1), rel=1e-4)
    kept = torch.tensor([True, True, False, True, True])
    masked = (scores / 2).masked_fill(~kept, -torch.inf)
    assert fused(query, key, kept.expand(6, 5)) == pytest.approx(expected(masked), rel=1e-4)
    added = random(6, 5)
    assert fused(query, key, added) == pytest.approx(expected(scores / 2 + added), rel=1e-4)
    assert fused(query, key, attn_mask=added) == fused(query, key, added)
    assert fused(query, key[:, :1]) is None, "heads that share keys"
    long = random(2, 3, 5, 4)
    later = (query[:, :, :5] @ long.mT / 2).masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf)
    assert fused(query[:, :, :5], long, is_causal=True) == pytest.approx(expected(later), rel=1e-4)
    one = fused(query[:1, :1, :5], long[:1, :1], is_causal=True)
    assert one == pytest.approx(expected(later[:1, :1]), rel=1e-4)
    many = random(1, 1, 40, 4)
    assert fused(many, many, torch.ones(40, 40).bool()) == fused(many, many)


def test_a_mask_of_each_of_many_samples() -> None:
    query, key = random(40, 1, 5, 4), random(40, 1, 5, 4).flip(0)
    scores, added = query @ key.mT / 2, random(40, 1, 5, 5)
    assert fused(query, key, added) == pytest.approx(expected((scores + added)[:32]), rel=1e-4)
    one = added[:1]
    assert fused(query, key, one) == pytest.approx(expected((scores + one)[:32]), rel=1e-4)


def test_which_operations_are_an_attention() -> None:
    weight = op("softmax", [3], 4, (4, 6, 6))
    known = [QUERY, KEY, PRODUCT, weight]

    def found(*operations: Any) -> bool:
        return weights._attentions(asked([*known, *operations])) == {id(weight)}

    values = op("bmm", [4, 8], 9)
    assert found(values)
    assert found(op("native_dropout", [4], 5), op("mul", [5, 70], 6), op("mm", [6, 8], 9))
    assert not found(op("bmm", [8, 4], 9)), "weights multiply from the left"
    assert not found(op("relu", [4], 5), op("bmm", [5, 8], 9))
    assert not found(op("bmm", [], 9))
    alone = op("softmax", [7], 6)
    assert weights._attentions(asked([alone, op("bmm", [6, 8], 9)])) == set()
    fused_ = op("scaled_dot_product_attention", [1, 2, 3], 4)
    assert weights._attentions(asked([fused_])) == {id(fused_)}


@pytest.mark.parametrize(
    ("scale", "how"), [(100.0, ["one key"]), (1e-4, ["all keys"]), (1.0, []), (0.1, [])]
)
def test_the_sharpest_and_the_evenest(scale: float, how: list[str]) -> None:
    scores = [random(2, 4, 6) * scale, random(2, 4, 7)[:, :, 1:] * scale]
    attentions = [op("softmax", [number], number + 10, (4, 6, 6)) for number in (3, 33)]
    made = asked([QUERY, KEY, PRODUCT, op("bmm", [1, 2], 33, (4, 6, 6)), *attentions,
                  op("bmm", [13, 8], 14), op("bmm", [43, 8], 44)])  # fmt: skip
    made.replays.loss_number = 0

    def changed(changes: Any, number: int, *, each: Any) -> None:
        for operation in made.replays.tape.operations:
            each(operation, dict(zip((3, 33), scores, strict=True)))

    made.changed = changed
    both = [expected(part) for part in scores]
    found = {signal: value for signal, _, value in weights.attention_weights(made)}
    assert found["attention_top_weight"] == pytest.approx(max(one for one, _ in both), rel=1e-4)
    assert found["attention_weight_range"] == pytest.approx(min(one for _, one in both), rel=1e-3)
    assert [(kind, data["how"], data["count"]) for kind, data in made.events] == [
        ("attention_at", each, 2) for each in how
    ]
    scores[:] = [part[:, :, :3] for part in scores]
    with pytest.raises(NotReplayable, match="saw 4 keys"):
        list(weights.attention_weights(made))
    with pytest.raises(NotReplayable, match="no attention"):
        list(weights.attention_weights(asked([QUERY])))
