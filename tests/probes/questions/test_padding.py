"""Which places are padded, who is told, and which answers are compared."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from assay.probes.questions import padding
from assay.probes.questions.padding import Padded, padding_of, tells_padding
from assay.replay.structure import NotReplayable

from .faked import asked, op, score

LENGTHS = torch.tensor([6, 3, 4, 5])
PLACES = torch.arange(6) >= LENGTHS[:, None]
TOKENS = torch.arange(1, 25).reshape(4, 6)
WORDS = TOKENS.masked_fill(PLACES, 0)
FRAMES = (WORDS[:, :, None] * torch.tensor([1.0, 0.5])).float()


def lengths(*each: int) -> torch.Tensor:
    places = torch.arange(6) >= torch.tensor(each)[:, None]
    return torch.arange(1, 1 + 6 * len(each)).reshape(-1, 6).masked_fill(places, 0)


def with_a_hole(row: int, position: int) -> torch.Tensor:
    made = WORDS.clone()
    made[row, position] = 0
    return made


@pytest.mark.parametrize(
    ("tokens", "places"),
    [
        (WORDS, PLACES),
        (WORDS.flip(1), PLACES.flip(1)),
        (TOKENS.masked_fill(PLACES, 99), PLACES),
        (FRAMES, PLACES),
        (FRAMES.flip(1), PLACES.flip(1)),
        (with_a_hole(0, 0), PLACES),  # the first word may be the one that fills
        (with_a_hole(0, 1), None),
        (with_a_hole(0, 3), None),
        (lengths(4, 3, 2, 1)[:, :4], torch.arange(4) >= torch.tensor([[4], [3], [2], [1]])),
        (lengths(6, 3, 6, 6), None),  # one sequence alone may end so by chance
        (lengths(6, 3, 6, 3), torch.arange(6) >= torch.tensor([[6], [3]] * 2)),
        (lengths(*[6] * 10, 3, 4), None),  # two of twelve are less than a quarter
        (lengths(*[6] * 9, 3, 4, 5), torch.arange(6) >= torch.tensor([*[6] * 9, 3, 4, 5])[:, None]),
        (lengths(3, 3, 3, 3), None),
        (lengths(6, 0, 4, 5), None),
        (lengths(6, 1, 4, 5), torch.arange(6) >= torch.tensor([[6], [1], [4], [5]])),
        (WORDS[1:], None),
        (WORDS[:, :3], None),
        (WORDS.float(), None),
        (WORDS.to(torch.int8), None),
        (WORDS[:, :, None].expand(4, 6, 2), None),
        (FRAMES[None], None),
    ],
)
def test_where_sequences_are_padded(tokens: torch.Tensor, places: torch.Tensor | None) -> None:
    found = padding_of(tokens)
    assert (found is None) is (places is None)
    assert places is None or torch.equal(found, places)  # type: ignore[arg-type]


FLOATS = torch.zeros(4, 6).masked_fill(PLACES, -torch.inf)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (PLACES, True),
        (~PLACES, True),
        (FLOATS, True),
        (FLOATS[:, None, None], True),
        (LENGTHS, True),
        (LENGTHS + 1, False),
        (torch.tensor([6, 3, 4, 6]), False),
        (LENGTHS.float(), False),
        (LENGTHS[:3], False),
        (torch.zeros(4, 6), False),
        (PLACES.t(), False),
        (PLACES[:, :5], False),
        (PLACES & (torch.arange(6) < 5), False),
        (PLACES | (torch.arange(6) < 1), False),
        (torch.empty(4, 6, device="meta"), False),
    ],
)
def test_who_is_told(other: torch.Tensor, told: bool) -> None:
    assert tells_padding(other, PLACES) is told


def test_a_mask_among_what_is_given() -> None:
    for more, told in (([], False), ([PLACES], True), ([WORDS.clone()], False)):
        (found,) = list(padding._found(asked(given=[WORDS, *more])))[:1]
        assert torch.equal(found.places, PLACES)
        assert found.told is told


FOUND = Padded(WORDS, PLACES, told=True)


@pytest.mark.parametrize(
    ("shape", "counted", "count"),
    [
        ((4, 6, 9), (4, 6), 6),
        ((4, 6), (4, 6), 6),
        ((4, 9), (4,), 1),
        ((24, 9), (24,), 6),
        ((4, 9, 6), (4, 6), 6),
        ((20, 9), (20,), 5),
        ((4, 2), (3,), None),
        ((4, 9), (8,), None),
        ((5, 9), (5,), None),
        ((4, 9), (0,), None),
    ],
)
def test_answers_a_sequence(shape: Any, counted: Any, count: int | None) -> None:
    assert padding._count(score("cross_entropy", shape, counted), FOUND) == count


def test_answers_of_real_places_of_padded_sequences() -> None:
    made = torch.arange(4 * 6 * 3.0).reshape(4, 6, 3)
    real = [(row, place) for row in (1, 2, 3) for place in range(int(LENGTHS[row]))]
    wanted = torch.stack([made[at] for at in real])
    target = torch.ones(4, 6, dtype=torch.long)

    def answers(made: torch.Tensor, target: torch.Tensor, name: str = "cross_entropy") -> Any:
        scored = score(name, made.shape, target.shape, ignored=-1)
        return padding._real(made, target, scored, FOUND)

    assert torch.equal(answers(made.flatten(0, 1), target.flatten()), wanted)
    assert torch.equal(answers(made.movedim(2, 1), target), wanted)
    assert torch.equal(answers(made, made, "mse_loss"), wanted)
    target[2, 1] = -1
    kept = [n for n, at in enumerate(real) if at != (2, 1)]
    assert torch.equal(answers(made.flatten(0, 1), target.flatten()), wanted[kept])
    one = torch.arange(12.0).reshape(4, 3)
    assert torch.equal(answers(one, torch.tensor([0, 1, 2, 1])), one[1:])
    assert torch.equal(answers(one, torch.tensor([0, 1, -1, 1])), one[[1, 3]])


def test_parts_of_results_that_belong_to_real_places() -> None:
    part = padding._RealPlaces(FOUND)
    made = torch.arange(4 * 6 * 5.0).reshape(4, 6, 5)
    real = made[~PLACES]
    assert torch.equal(part(made), real)  # type: ignore[arg-type]
    assert torch.equal(part(made.transpose(0, 1)), real)  # type: ignore[arg-type]
    assert torch.equal(part(made.movedim(1, 2)), real)  # type: ignore[arg-type]
    heads = torch.arange(8 * 6 * 5.0).reshape(8, 6, 5)
    split = heads.reshape(4, 2, 6, 5).movedim(2, 1)[~PLACES]
    assert torch.equal(part(heads), split)  # type: ignore[arg-type]
    whole = torch.arange(20.0).reshape(4, 5)
    assert torch.equal(part(whole), whole[1:])  # type: ignore[arg-type]
    assert part(torch.zeros(4)) is None
    assert part(torch.zeros(4, 6, 6)) is None
    assert part(torch.zeros(7, 5)) is None
    assert part(torch.zeros(8, 5)) is None
    square = padding._RealPlaces(Padded(WORDS[:, :4], PLACES[:, :4], told=True))
    assert square(torch.zeros(4, 4, 2)) is None


def test_words_of_others_fill_padded_places() -> None:
    real = torch.arange(5.0)
    assert padding._others(real, 7).tolist() == [0, 2, 4, 1, 3, 0, 2]


@pytest.mark.parametrize("turned", [False, True])
def test_vectors_are_put_behind_the_embedding_of_these_tokens(turned: bool) -> None:
    tokens = WORDS.t().contiguous() if turned else WORDS
    made = torch.arange(4 * 6 * 2.0).reshape(4, 6, 2)
    vectors = made.transpose(0, 1) if turned else made
    fill = padding._Fill(FOUND)
    values = {1: torch.zeros(30, 2), 2: tokens, 3: vectors.clone()}
    fill(op("embedding", [1, 2], 3, vectors.shape), values)
    assert fill.filled
    filled = values[3].transpose(0, 1) if turned else values[3]
    assert torch.equal(filled[~PLACES], made[~PLACES])
    if not turned:
        real = made[~PLACES]
        others = [real[7 * n % len(real)] for n in range(6)]
        assert torch.equal(filled[PLACES], torch.stack(others))


@pytest.mark.parametrize(
    ("operation", "tokens"),
    [
        (op("mul", [1, 2], 3, (4, 6, 2)), WORDS),
        (op("embedding", [1, 2]), WORDS),
        (op("embedding", [1, 2], 3, (24, 2)), WORDS),
        (op("embedding", [1, 2], 4, (4, 6, 2)), WORDS),
        (op("embedding", [1, 2], 3, (4, 6, 2)), TOKENS),
        (op("embedding", [1, 2], 3, (4, 6, 2)), WORDS[:, :5]),
        (op("embedding", [1, 5], 3, (4, 6, 2)), WORDS),
        (op("embedding", [1, None], 3, (4, 6, 2)), WORDS),
    ],
)
def test_nothing_else_is_filled(operation: Any, tokens: torch.Tensor) -> None:
    fill, values = padding._Fill(FOUND), {2: tokens, 3: torch.zeros(4, 6, 2)}
    fill(operation, values)
    assert not fill.filled
    assert not values[3].any()


def test_frames_are_filled_as_they_are_given_and_only_where_that_is_told() -> None:
    frames = Padded(FRAMES, PLACES, told=True)
    changes, fill = padding._filled(asked(), frames)
    ((old, new),) = changes
    assert fill is None
    assert old is FRAMES
    assert torch.equal(new[~PLACES], FRAMES[~PLACES])
    assert torch.equal(new[PLACES], FRAMES[~PLACES][torch.arange(6) * 7 % 18])
    with pytest.raises(NotReplayable, match="by its zeros"):
        padding._filled(asked(), frames._replace(told=False))
    changes, fill = padding._filled(asked(), FOUND)
    assert changes == []
    assert fill is not None


SCORES = score("mse_loss", (4, 1), (4, 1))


def question(change: float, operations: Any = (), *, told: bool = True, rate: float = 2.0) -> Any:
    """A model whose answers are `rate` times the row, and `change` more when padding is other."""
    before = rate * torch.arange(4.0)[:, None]

    def answer(frames: torch.Tensor) -> torch.Tensor:
        assert not torch.equal(frames, FRAMES)
        return before + change

    given = [FRAMES, PLACES] if told else [WORDS]
    return asked(operations, given=given, scored=[SCORES], plain={1: before, 2: torch.zeros(4, 1)},
                 answer=answer)  # fmt: skip


def test_the_change_is_over_the_spread_of_answers() -> None:
    # rows 1 to 3 are padded: 2, 4, 6 lie 2, 0 and 2 from their mean, and the median of that is 2
    made = question(0.5, [op("bmm")])
    assert list(padding.padded_places(made)) == [("padding_change", "", 0.25)]
    assert made.events == [
        ("padding_read", {"operation": "bmm", "line": ["train.py", 7, "bmm"], "told": True})
    ]
    small = question(0.03, [op("bmm")])
    ((_, _, change),) = padding.padded_places(small)
    assert change == pytest.approx(0.015, rel=1e-4)
    assert small.events == []


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (asked(given=[TOKENS]), "with padding"),
        (asked(given=[WORDS]), "scored answers for each sequence"),
        (asked(given=[WORDS], scored=[score("mse_loss", (5,), (5,))]), "for each sequence"),
        (question(1.0, told=False), "no attention"),
        (question(1.0, [op("softmax", [1], 2, (4, 7, 7))], told=False), "no attention"),
        (question(1.0, [op("convolution")]), "takes neighbours in"),
        (question(1.0, rate=0.0), "the same for all sequences"),
        (question(1.0, [op("softmax", [1], 2, (4, 6, 6))], told=False), "where the tokens get"),
    ],
)
def test_why_it_is_not_asked(made: Any, why: str) -> None:
    if why == "where the tokens get":
        plain = made.plain(1)
        made.changed = lambda *given, **more: plain
    with pytest.raises(NotReplayable, match=why):
        list(padding.padded_places(made))


def test_tokens_that_are_compared_make_a_mask() -> None:
    held = {5: WORDS}
    for name, needs, compared in (("ne", [5, 0.0], True), ("eq", [5], True), ("mul", [5], False),
                                  ("ne", [6], False)):  # fmt: skip
        assert padding._compared(asked([op(name, needs, 9)], held=held), FOUND) is compared
