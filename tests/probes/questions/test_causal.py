"""Which loss asks for the next token, and by how much later tokens change earlier answers."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from assay.probes.questions import causal
from assay.probes.questions.causal import NextToken, in_rows, later_tokens
from assay.replay.structure import NotReplayable

from .faked import asked, op, score

ROWS, LENGTH, CLASSES = 4, 8, 5
WORDS = torch.randint(0, CLASSES, (ROWS, LENGTH + 1), generator=torch.Generator().manual_seed(0))
GIVEN, NEXT = WORDS[:, :-1], WORDS[:, 1:]
FRAMES = torch.randn(ROWS, LENGTH + 1, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("tokens", "name", "counted", "dims"),
    [
        (torch.zeros(4, 8).long(), "cross_entropy", (32,), [1, 0]),
        (torch.zeros(4, 8).long(), "cross_entropy", (4, 7), [1]),
        (torch.zeros(8, 4).long(), "cross_entropy", (28,), [0]),
        (torch.zeros(4, 4).long(), "nll_loss", (16,), [1, 0]),
        (torch.zeros(3, 4).long(), "nll_loss", (9,), [1]),
        (torch.zeros(8, 3).long(), "nll_loss", (24,), [0]),
        (torch.zeros(4, 8).long(), "cross_entropy", (36,), []),
        (torch.zeros(4, 8).long(), "cross_entropy", (24,), [0]),
        (torch.zeros(4, 8).to(torch.uint8), "cross_entropy", (32,), []),
        (torch.zeros(4, 8), "cross_entropy", (32,), []),
        (torch.zeros(0, 8).long(), "cross_entropy", (0,), []),
        (torch.zeros(8).long(), "cross_entropy", (8,), [0]),
        (torch.zeros(4).long(), "cross_entropy", (4,), [0]),
        (torch.zeros(3).long(), "cross_entropy", (3,), []),
        (torch.zeros(8).long(), "cross_entropy", (7,), []),
        (torch.zeros(8), "cross_entropy", (8,), []),
        (torch.zeros(4, 8, 3), "mse_loss", (4, 8, 3), [1, 0]),
        (torch.zeros(4, 8, 3), "mse_loss", (4, 7, 3), [1]),
        (torch.zeros(4, 8, 3), "mse_loss", (4, 8), []),
        (torch.zeros(4, 8, 3), "cross_entropy", (4, 8), [1, 0]),
        (torch.zeros(4, 8, 3).long(), "cross_entropy", (4, 8), []),
    ],
)
def test_dimensions_that_may_count_positions(
    tokens: torch.Tensor, name: str, counted: Any, dims: list[int]
) -> None:
    assert causal._dims(tokens, score(name, (1,), counted)) == dims


def ignoring(*places: tuple[int, int]) -> torch.Tensor:
    made = NEXT.clone()
    for at in places:
        made[at] = -100
    return made


HALF = torch.arange(LENGTH).expand(ROWS, LENGTH) < LENGTH // 2
OTHER = (NEXT + 1) % CLASSES


@pytest.mark.parametrize(
    ("tokens", "dim", "target", "name", "counted"),
    [
        (GIVEN, 1, NEXT[:, :-1], "cross_entropy", torch.ones(ROWS, LENGTH - 1)),
        (GIVEN, 1, NEXT.flatten(), "cross_entropy", torch.ones(ROWS, LENGTH - 1)),
        (GIVEN.t(), 0, NEXT.t(), "cross_entropy", torch.ones(ROWS, LENGTH - 1)),
        (GIVEN.t(), 0, NEXT.t().flatten(), "nll_loss", torch.ones(ROWS, LENGTH - 1)),
        (GIVEN, 1, ignoring((1, 2)), "cross_entropy", ignoring((1, 2))[:, :-1] >= 0),
        (GIVEN, 1, NEXT.masked_fill(~HALF, -100), "cross_entropy", HALF[:, :-1]),
        (GIVEN, 1, NEXT.masked_fill(~(HALF & (NEXT > 0)), -100), "cross_entropy", None),
        (GIVEN, 1, GIVEN, "cross_entropy", None),
        (GIVEN, 1, OTHER, "cross_entropy", None),
        (torch.ones_like(GIVEN), 1, torch.ones_like(NEXT), "cross_entropy", None),
        (GIVEN, 1, NEXT.float(), "cross_entropy", None),
        (GIVEN, 1, NEXT.float(), "mse_loss", None),
        (FRAMES[:, :-1], 1, FRAMES[:, 1:], "mse_loss", torch.ones(ROWS, LENGTH - 1)),
        (FRAMES[:, :-1], 1, FRAMES[:, :-1], "mse_loss", None),
        (FRAMES[:, :-1].transpose(0, 1), 0, FRAMES[:, 1:].transpose(0, 1), "l1_loss",
         torch.ones(ROWS, LENGTH - 1)),
        (torch.nn.functional.one_hot(GIVEN).float(), 1, NEXT, "cross_entropy",
         torch.ones(ROWS, LENGTH - 1)),
        (torch.arange(20), 0, torch.arange(1, 21), "cross_entropy", torch.ones(1, 19)),
        (torch.arange(17), 0, torch.arange(1, 18), "cross_entropy", torch.ones(1, 16)),
        (torch.arange(16), 0, torch.arange(1, 17), "cross_entropy", None),  # 15 are too few
    ],
)  # fmt: skip
def test_targets_that_are_the_next_tokens(
    tokens: torch.Tensor, dim: int, target: torch.Tensor, name: str, counted: Any
) -> None:
    found = causal._next(tokens, dim, target, score(name, (1,), target.shape))
    assert (found is None) is (counted is None)
    assert counted is None or torch.equal(found, counted.bool())  # type: ignore[arg-type]


def test_one_wrong_target_of_a_hundred_is_borne_and_no_more() -> None:
    tokens = torch.arange(200)
    for wrong, found in ((1, True), (2, False)):
        target = tokens[1:101].clone()
        target[:wrong] += 50
        scored = score("cross_entropy", (1,), (100,))
        assert (causal._next(tokens[:101], 0, target, scored) is not None) is found


def test_views_by_rows() -> None:
    assert torch.equal(in_rows(GIVEN, 1), GIVEN)
    assert torch.equal(in_rows(GIVEN.t(), 0), GIVEN)
    assert torch.equal(in_rows(GIVEN[0], 0), GIVEN[:1])
    for dim, made in ((1, FRAMES), (0, FRAMES.transpose(0, 1))):
        assert torch.equal(causal._by_rows(made.reshape(-1, 3), ROWS, dim, 3), FRAMES)
        flat = made[..., 0].reshape(-1)
        assert torch.equal(causal._by_rows(flat, ROWS, dim), FRAMES[..., 0])
    assert causal._by_rows(torch.arange(6), 1, 0).tolist() == [[0, 1, 2, 3, 4, 5]]


def test_the_part_of_the_first_positions() -> None:
    part = causal._Earlier(8, 3)
    made = torch.arange(4 * 8 * 2.0).reshape(4, 8, 2)
    assert torch.equal(part(made), made[:, :3])  # type: ignore[arg-type]
    assert torch.equal(part(made[:, :7]), made[:, :3])  # type: ignore[arg-type]
    assert torch.equal(part(made.transpose(1, 2)), made.transpose(1, 2)[:, :, :3])  # type: ignore[arg-type]
    assert part(torch.zeros(4, 8, 8)) is None
    assert part(torch.zeros(4, 8, 7)) is None
    assert part(torch.zeros(4, 6)) is None
    assert part(torch.zeros(4, 9)) is None


def test_scores_by_sequence_and_position() -> None:
    made = torch.randn(ROWS, LENGTH, CLASSES)
    for tokens, dim, given in (
        (GIVEN, 1, made), (GIVEN, 1, made.flatten(0, 1)), (GIVEN, 1, made.movedim(2, 1)),
        (GIVEN.t(), 0, made.transpose(0, 1).flatten(0, 1)),
    ):  # fmt: skip
        if given.dim() == 3 and given.shape[1] != CLASSES:
            given = given.movedim(2, 1)
        each = NextToken(tokens, dim, score("cross_entropy", (1,), (1,)), HALF)
        assert torch.equal(causal._scores(given, each, ROWS), made)
    numbers = NextToken(FRAMES, 1, score("mse_loss", (1,), (1,)), HALF)
    assert torch.equal(causal._scores(FRAMES.half(), numbers, ROWS), FRAMES.half().float())


# -- by how much answers change -----------------------------------------------------------------

SCORED = score("cross_entropy", (ROWS, CLASSES, LENGTH), (ROWS, LENGTH))
TOKENS = torch.arange(ROWS * LENGTH).reshape(ROWS, LENGTH)
TARGET = TOKENS + 1
COUNTED = torch.ones(ROWS, LENGTH - 1, dtype=torch.bool)
BEFORE = torch.zeros(ROWS, CLASSES, LENGTH)
BEFORE[:, 0] = torch.arange(LENGTH) % 2 * 4.0
"""Answers lie 2 from their mean: 0 and 4 in turns."""


def question(early: float, late: float = 9.0, seen: Any = None, **more: Any) -> Any:
    """A model whose answers move by `early` and `late` in the two halves of a sequence."""

    def answer(tokens: torch.Tensor) -> torch.Tensor:
        if seen is not None:
            seen.append(tokens)
        after = BEFORE.clone()
        after[:, 1, :4] += early
        after[:, 1, 4:] += late
        return after

    given = {"given": [TOKENS], "scored": [SCORED], "plain": {1: BEFORE, 2: TARGET}, **more}
    return asked([op("bmm")], answer=answer, **given)


def test_only_the_second_half_is_changed_and_the_first_is_compared() -> None:
    seen: list[torch.Tensor] = []
    made = question(0.5, seen=seen)
    assert list(later_tokens(made)) == [("later_token_change", "", 0.25)]
    (tokens,) = seen
    # positions 0 to 6 count: the half begins at (0 + 6) // 2 + 1
    assert torch.equal(tokens[:, :4], TOKENS[:, :4])
    assert torch.equal(tokens[:, 4:], TOKENS.roll(1, 0)[:, 4:])
    assert made.events == [
        ("causal_leak", {"operation": "bmm", "line": ["train.py", 7, "bmm"]})
    ]  # fmt: skip
    small = question(0.008)
    ((_, _, change),) = later_tokens(small)
    assert change == pytest.approx(0.004, rel=1e-4)
    assert small.events == []
    assert list(later_tokens(question(0.0))) == [("later_token_change", "", 0.0)]


def test_the_largest_change_of_a_position_and_the_median_of_its_sequences() -> None:
    def answer(tokens: torch.Tensor) -> torch.Tensor:
        after = BEFORE.clone()
        after[:, 1, 1] += torch.tensor([1.0, 1.0, 1.0, 50.0])
        after[:, 1, 2] += torch.tensor([2.0, 2.0, 0.0, 2.0])
        after[:, 1, 3] += torch.tensor([9.0, 0.0, 0.0, 0.0])
        return after

    made = question(0.0)
    made.changed = lambda changes, *numbers, **more: [answer(TOKENS) if changes else BEFORE]
    assert list(later_tokens(made)) == [("later_token_change", "", 1.0)]


def test_only_what_counts_is_exchanged_and_compared() -> None:
    seen: list[torch.Tensor] = []
    target = TARGET.clone()
    target[2, 5:] = -100
    target[:, 0] = -100
    made = question(0.5, seen=seen, plain={1: BEFORE, 2: target})
    # answers at the places 1 to 3 are 4, 0 and 4: the median of 4/3, 8/3 and 4/3
    assert next(iter(later_tokens(made)))[2] == pytest.approx(0.5 / (4 / 3))
    (tokens,) = seen
    # places 1 to 6 count: the half begins at 7 // 2 + 1; the word after a target moves with it
    assert torch.equal(tokens[:, :4], TOKENS[:, :4])
    assert torch.equal(tokens[0, 4:], TOKENS[3, 4:])
    assert torch.equal(tokens[1, 4:], TOKENS[0, 4:])
    assert torch.equal(tokens[2, 4:6], TOKENS[1, 4:6])
    assert torch.equal(tokens[2, 6:], TOKENS[2, 6:])
    assert torch.equal(tokens[3, 4:6], TOKENS[2, 4:6])
    assert torch.equal(tokens[3, 6:], TOKENS[3, 6:])


def test_of_one_sequence_the_second_half_is_turned() -> None:
    seen: list[torch.Tensor] = []
    tokens = torch.arange(20)
    before = torch.zeros(20, CLASSES)
    before[:, 0] = torch.arange(20) % 2 * 4.0

    def answer(new: torch.Tensor) -> torch.Tensor:
        seen.append(new)
        after = before.clone()
        after[:10, 1] += 0.5
        after[10:, 1] += 7
        return after

    made = asked([op("bmm")], given=[tokens], plain={1: before, 2: tokens + 1}, answer=answer,
                 scored=[score("cross_entropy", (20, CLASSES), (20,))])  # fmt: skip
    ((_, _, change),) = later_tokens(made)
    assert change == pytest.approx(0.25)
    (new,) = seen
    half = (0 + 18) // 2 + 1
    assert torch.equal(new[:half], tokens[:half])
    assert torch.equal(new[half:], tokens[half:].roll(1))


def test_of_several_inputs_the_least_change_counts() -> None:
    both = [TOKENS, TOKENS + 0]
    made = question(0.0, given=both)

    def changed(changes: Any, *numbers: int, each: Any = None) -> list[torch.Tensor]:
        after = BEFORE.clone()
        after[:, 1, :4] += 1.0 if changes[0][0] is both[0] else 0.5
        return [after]

    made.changed = changed
    assert list(later_tokens(made)) == [("later_token_change", "", 0.25)]


ALIKE = torch.arange(LENGTH).expand(ROWS, LENGTH).contiguous()


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (question(1.0, given=[]), "trained to predict the next"),
        (question(1.0, scored=[SCORED._replace(name="kl_div")]), "trained to predict the next"),
        (question(1.0, given=[ALIKE], plain={1: BEFORE, 2: ALIKE + 1}), "no two sequences"),
        (question(0.0, 0.0), "no answer depends"),
        (question(1.0, plain={1: BEFORE * 0, 2: TARGET}), "the same at all positions"),
    ],
)
def test_why_it_is_not_asked(made: Any, why: str) -> None:
    with pytest.raises(NotReplayable, match=why):
        list(later_tokens(made))
