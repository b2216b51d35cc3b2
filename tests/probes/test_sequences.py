"""Targets beside what the model was given, position by position, without a model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from assay.probes.data import sequences
from assay.probes.data.sequences import Sequences
from assay.probes.model.lookahead import Lookahead

from .noting import Noting

TOKENS = torch.tensor([[1, 2, 3, 4, 0, 0], [5, 6, 7, 8, 1, 2], [3, 4, 0, 0, 0, 0]])
PLACES = TOKENS == 0
FRAMES = TOKENS[:, :, None] * torch.ones(2)
HOLE = TOKENS.clone()
HOLE[0, 1] = 0
OTHERS = torch.arange(18).reshape(3, 6) % 5 + 1
"""Eight of them are those of `TOKENS`; none is at an end that repeats."""


@pytest.mark.parametrize(
    ("same", "end", "once"),
    [
        ([[0, 1, 1]], [[0, 1, 1]], True),
        ([[1, 0, 1]], [[0, 0, 1]], False),
        ([[1, 1, 1]], [[1, 1, 1]], True),
        ([[0, 1, 0]], [[0, 0, 0]], False),
        ([[0, 0, 1], [0, 0, 0]], [[0, 0, 1], [0, 0, 0]], True),
        ([[0, 0, 1], [1, 0, 0]], [[0, 0, 1], [0, 0, 0]], False),
    ],
)
def test_where_rows_are_the_same_to_their_end(same: Any, end: Any, once: bool) -> None:
    found, nowhere_else = sequences._end(torch.tensor(same) > 0)
    assert found.int().tolist() == end
    assert bool(nowhere_else) is once


@pytest.mark.parametrize(
    ("given", "end", "once"),
    [
        (TOKENS, PLACES, True),
        (TOKENS.masked_fill(PLACES, 9), PLACES, True),
        (torch.where(torch.arange(6) == 0, 0, TOKENS), PLACES, True),
        (HOLE, PLACES, False),
        (FRAMES, PLACES, True),
        (HOLE[:, :, None] * torch.ones(2), PLACES, True),
        (FRAMES * torch.tensor([0.0, 1.0]), PLACES, True),
    ],
)  # fmt: skip
def test_where_an_input_repeats_its_last_value(given: Tensor, end: Tensor, once: bool) -> None:
    found, nowhere_else = sequences._idle(given)
    assert torch.equal(found, end)
    assert bool(nowhere_else) is once


def heard(
    target: Tensor,
    *given: Tensor,
    name: str = "cross_entropy",
    inside: bool = False,
    classes: int = 9,
    **options: Any,
) -> dict[str, float]:
    """What is told of one loss, after one call of a model with these inputs."""
    watch = Noting()
    probe = Sequences(watch)
    probe.on_root_begin(None, given, {})
    if not inside:
        probe.on_root_end(None, None)
    if target.is_floating_point():
        source = torch.zeros_like(target, requires_grad=True)
    else:
        source = torch.zeros(target.numel(), classes, requires_grad=True)
        target = target.flatten() if not inside else target.reshape(-1)
    function = getattr(F, name)
    probe.on_loss(name, function, (source, target), options, source.sum())
    return {signal: number for (signal, _), number in watch.numbers.items()}


ONE_WRONG = torch.where(torch.arange(18).reshape(3, 6) == 7, 8, TOKENS)


@pytest.mark.parametrize(
    ("target", "given", "options", "expected"),
    [
        (TOKENS.clone(), [TOKENS], {}, (1, 6 / 18, 0)),
        (ONE_WRONG, [TOKENS], {}, (17 / 18, 6 / 18, 0)),
        (TOKENS.clone(), [TOKENS], {"ignore_index": 0}, (1, 0, 0)),
        (TOKENS.clone(), [TOKENS], {"ignore_index": 1}, (1, 6 / 16, 0)),
        (TOKENS.masked_fill(PLACES, 5), [TOKENS], {}, (12 / 18, 0, 5)),  # 5 is a word as well
        (TOKENS.masked_fill(PLACES, 8), [TOKENS[:2]], {}, None),
        (TOKENS[:, 1:].clone(), [TOKENS], {}, (None, 6 / 15 * 4 / 6, 0)),
        (TOKENS.clone(), [TOKENS], {"reduction": "none"}, (1, None, None)),
        (TOKENS.clone(), [TOKENS], {"weight": torch.ones(9)}, (1, None, None)),
        (TOKENS.clone(), [TOKENS], {"reduction": "sum"}, (1, 6 / 18, 0)),
        (TOKENS[:, :4].clone(), [TOKENS], {}, (None, None, None)),
        (TOKENS[:, :3].clone(), [TOKENS[:, :3]], {}, None),
        (TOKENS.clone(), [OTHERS, TOKENS], {}, (1, 6 / 18, 0)),
        (TOKENS.clone(), [TOKENS.float()], {}, None),
        (TOKENS.clone(), [TOKENS.to(torch.int8)], {}, None),
        (TOKENS.clone(), [FRAMES], {}, (None, 6 / 18, 0)),
        (TOKENS.clone(), [*[OTHERS] * 4, TOKENS], {}, (8 / 18, 0, 0)),
        (TOKENS.clone(), [*[OTHERS] * 3, TOKENS], {}, (1, 6 / 18, 0)),
        (TOKENS[:, :5].clone(), [TOKENS[:, :5]], {}, (1, 4 / 15, 0)),
        (torch.tensor([[1, 2, 0, 0]] * 3), [torch.tensor([[1, 2, 0, 0]] * 3)], {}, (1, 0, 0)),
        (TOKENS.flip(1), [TOKENS.flip(1)], {}, (1, 0, None)),
        (TOKENS[:0].clone(), [TOKENS], {}, None),
    ],
)
def test_tokens(target: Tensor, given: list[Tensor], options: Any, expected: Any) -> None:
    found = heard(target, *given, **options)
    names = ("target_is_input", "padded_target_share", "padded_target_value")
    if expected is None:
        assert found == {}
        return
    for name, value in zip(names, expected, strict=True):
        if name == "padded_target_value" and value is None:
            continue  # some value: nothing is told of it without a share
        assert found.get(name) == (value if value is None else pytest.approx(value)), name


@pytest.mark.parametrize("length", [6, 5, 4])
@pytest.mark.parametrize(("places", "expected"), [(0, 0), (1, 0), (2, 1)])
def test_how_far_on_the_targets_are(places: int, length: int, expected: float) -> None:
    row = torch.arange(3 * 8).view(3, 8)
    found = heard(row[:, places : places + length].clone(), row[:, :6])
    assert found["target_is_after_next"] == expected


def test_targets_that_a_model_is_given_too() -> None:
    target = TOKENS.clone()
    outside = heard(target, OTHERS, target)
    assert outside["target_is_input"] == 1
    assert outside["padded_target_share"] == 0
    within = heard(target, OTHERS, target, inside=True)
    assert within["target_is_input"] == pytest.approx(8 / 18)
    first = heard(target, target, inside=True)
    assert first["target_is_input"] == 1
    assert first["padded_target_share"] == pytest.approx(6 / 18)


SPOILED = FRAMES.clone()
SPOILED[0, 1] = 0.0


@pytest.mark.parametrize(
    ("target", "given", "options", "expected"),
    [
        (FRAMES.clone(), [FRAMES], {}, 6 / 18),
        (FRAMES[:, :, 0].clone(), [TOKENS], {}, 6 / 18),
        (FRAMES[:, :, 0].clone(), [OTHERS, TOKENS], {}, 6 / 18),
        (FRAMES.clone(), [FRAMES], {"reduction": "sum"}, None),
        (FRAMES[:, :5].clone(), [FRAMES], {}, None),
        (FRAMES[:2].clone(), [FRAMES], {}, None),
        (FRAMES + 1, [FRAMES], {}, 0),
        (FRAMES * torch.tensor([0.0, 1.0]), [FRAMES], {}, 6 / 18),
        (SPOILED, [SPOILED + 0], {}, 6 / 18),
        (FRAMES[:, :, 0].clone(), [HOLE], {}, 0),
        (FRAMES[2:].clone(), [FRAMES[2:] + 0], {}, 0),
        (TOKENS[:, 0].float(), [TOKENS], {}, None),
    ],
)
def test_numbers(target: Tensor, given: list[Tensor], options: Any, expected: Any) -> None:
    found = heard(target, *given, name="mse_loss", **options)
    if expected is None:
        assert found == {}
    else:
        assert found == {
            "padded_target_share": pytest.approx(expected), "padded_target_value": 0
        }  # fmt: skip


def test_an_autoencoder_may_reproduce_its_padding() -> None:
    watch = Noting()
    probe = Sequences(watch)
    probe.on_root_begin(None, (FRAMES,), {})
    source = torch.zeros_like(FRAMES, requires_grad=True)
    probe.on_loss("mse_loss", F.mse_loss, (source, FRAMES), {}, source.sum())
    assert watch.numbers == {}


def test_what_says_nothing() -> None:
    assert heard(TOKENS.clone(), name="cross_entropy") == {}
    for name, result in (("kl_div", True), ("cross_entropy", False)):
        watch = Noting()
        probe = Sequences(watch)
        probe.on_root_begin(None, (), {"tokens": TOKENS})
        source = torch.zeros(18, 9, requires_grad=result)
        function = getattr(F, name)
        probe.on_loss(name, function, (source, TOKENS.flatten().clone()), {}, source.sum())
        assert watch.numbers == {}


# -- looking ahead ------------------------------------------------------------------------------


def looks(
    answer: Any, tokens: Tensor = TOKENS, *, share: float = 1.0, known: bool = True
) -> list[Any]:
    copies = [(tokens if known else tokens.clone(), torch.tensor(share))]
    probe: Any = Lookahead.__new__(Lookahead)
    probe._sequences = SimpleNamespace(copies=copies)

    def output(inputs: Any = None) -> list[Tensor]:
        given = tokens if inputs is None else next(iter(inputs.values()))
        return [torch.zeros(2), answer(given)]

    replays: Any = SimpleNamespace(inputs={(0, 0): tokens}, output=output)
    return [(name, place, float(value)) for name, place, value in probe.measure(replays)]


def each(tokens: Tensor) -> Tensor:
    return F.one_hot(tokens, 9).double()


def both_ways(tokens: Tensor) -> Tensor:
    return each(tokens) + 0.25 * each(tokens).flip(1)


def test_earlier_answers_over_the_last() -> None:
    assert looks(each) == [("lookahead", "", 0.0)]
    assert looks(both_ways) == [("lookahead", "", 0.25)]
    assert looks(both_ways, share=0.99) == []
    assert looks(both_ways, known=False) == []
    assert looks(both_ways, TOKENS[:, :3]) == []
    assert looks(both_ways, TOKENS[:, :4]) == [("lookahead", "", 0.25)]
    assert looks(both_ways, TOKENS[:1]) == []  # no other last token
    assert looks(lambda tokens: each(TOKENS)) == []
    assert looks(lambda tokens: each(tokens)[:, :, 0]) == []
    assert looks(lambda tokens: each(tokens)[:, :5]) == []


def test_padding_by_a_token_that_stands_elsewhere_too() -> None:
    end, once = sequences._idle(torch.tensor([[1, 2, 3, 0, 0], [4, 5, 6, 7, 0]]))
    assert end.long().tolist() == [[0, 0, 0, 1, 1], [0, 0, 0, 0, 1]]
    assert bool(once)
    _, once = sequences._idle(torch.tensor([[1, 0, 3, 0, 0], [4, 5, 6, 7, 0]]))
    assert not bool(once)
    _, once = sequences._idle(torch.tensor([[0, 2, 3, 0, 0], [4, 5, 6, 7, 0]]))
    assert bool(once), "the first may be that of a start"
    end, once = sequences._idle(torch.tensor([[[1.0], [0.0], [0.0]]]))
    assert end.long().tolist() == [[0, 1, 1]]
    assert bool(once)
