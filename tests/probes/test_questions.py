"""What a step answers when one thing that the model was given is another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.journal.events import (
    ANSWERS_ALIKE,
    ATTENTION_AT,
    CAUSAL_LEAK,
    DROPOUT_HIGH,
    INPUT_UNUSED,
    LINEAR_PAIR,
    PADDING_READ,
    RESIDUAL_SCALED,
    SCORES_UNSCALED,
)
from assay.probes.questions.probe import FirstQuestions, Questions
from assay.replay.replays import Replays
from assay.replay.tape import BYTES_AT_MOST
from assay.watching.plan import OPENING

ROWS, WORDS, LENGTH, WIDTH = 8, 11, 10, 16
STEPS = OPENING + 4


class Reader(nn.Module):
    """Reads words and answers at each; what a subclass adds is put to the test."""

    masked = True

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.norm = nn.BatchNorm1d(WIDTH)
        self.drop = nn.Dropout(0.2)
        self.query, self.key = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, WORDS)
        self.calls = 0

    def forward(self, ids: Tensor) -> Tensor:
        self.calls += 1
        x = self.words(ids) + self.places.weight[: ids.shape[1]]
        x = self.drop(self.norm(x.transpose(1, 2)).transpose(1, 2))
        weights = self.query(x) @ self.key(x).transpose(1, 2) / WIDTH**0.5
        if self.masked:
            later = torch.ones(weights.shape[-2:]).triu(1).bool()
            weights = weights.masked_fill(later, -torch.inf)
        seen = weights.softmax(2) @ x  # here
        return self.head(x + seen)


class Leaks(Reader):
    masked = False


def next_words(model: nn.Module) -> Tensor:
    ids = torch.randint(0, WORDS, (ROWS, LENGTH + 1))
    return F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())


def same_words(model: nn.Module) -> Tensor:
    ids = torch.randint(0, WORDS, (ROWS, LENGTH))
    return F.cross_entropy(model(ids).flatten(0, 1), ids.flatten())


def train(
    make: Callable[[], nn.Module],
    loss_of: Callable[[Any], Tensor] = next_words,
    *,
    steps: int = STEPS,
    autocast: bool = False,
    prepare: Callable[[nn.Module], Any] = lambda model: model,
) -> nn.Module:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = make()
    called = prepare(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    mixed = torch.autocast("cpu", torch.bfloat16) if autocast else contextlib.nullcontext()
    for step in range(steps):
        model.train(step % 3 < 2)
        optimizer.zero_grad()
        with mixed:
            loss = loss_of(called)
        loss.backward()
        optimizer.step()
    return model


def last(seen: Any, signal: str, place: str = "") -> float:
    return float(seen.view.trainings[0].series(signal, place).last)


# -- observing changes nothing ------------------------------------------------------------------


def state(model: nn.Module) -> list[Tensor]:
    kept = [value.clone() for value in model.state_dict().values()]
    return [*kept, torch.get_rng_state()]


@pytest.mark.parametrize("make", [Reader, Leaks])
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.usefixtures("no_haste")
def test_the_run_is_the_same_to_the_last_bit(watched: Any, make: Any, autocast: bool) -> None:
    heard: list[tuple[int, ...]] = []

    def hooked(model: nn.Module) -> nn.Module:
        model.register_forward_hook(lambda module, args, result: heard.append(result.shape))
        return model

    plain = train(make, autocast=autocast, prepare=hooked)
    expected, calls = state(plain), list(heard)
    heard.clear()
    with watched(Questions) as seen:
        model = train(make, autocast=autocast, prepare=hooked)
        found = state(model)
    assert seen.view.trainings[0].places("later_token_change") == ("",)
    assert heard == calls
    assert model.calls == plain.calls == STEPS
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))


@pytest.mark.usefixtures("no_haste")
def test_compiled_code_is_not_looked_into_and_that_is_said(watched: Any) -> None:
    with watched(Questions) as seen:
        train(Reader, prepare=lambda model: torch.compile(model, backend="eager"))
    assert seen.view.trainings[0].places("later_token_change") == ()
    assert "compiled" in seen.view.skipped["questions"]


@pytest.mark.usefixtures("no_haste")
def test_no_more_is_kept_than_the_bound(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Replays, "room", 0)
    with watched(Questions) as seen:
        train(Leaks)
    assert last(seen, "later_token_change") > 0.05
    assert list(seen.view.events(CAUSAL_LEAK)) == []


@pytest.mark.usefixtures("no_haste")
def test_the_record_says_how_often_and_within_what_bound(watched: Any) -> None:
    with watched(Questions) as seen:
        train(Reader, steps=10)
    asked = seen.view.facts["asked"]
    assert (asked["times"], asked["copies"]) == (2, BYTES_AT_MOST)
    assert asked["own_s"] > 0


# -- when they are asked -------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "asked"), [(1, []), (10, [1, 3]), (30, [1, 3])])
@pytest.mark.usefixtures("no_haste")
def test_short_runs_are_asked_too(watched: Any, steps: int, asked: list[int]) -> None:
    with watched(Questions) as seen:
        train(Reader, steps=steps)
    training = seen.view.trainings[0]
    assert list(training.series("later_token_change").steps) == asked
    assert training.places("answer_spread") == ()  # nothing is learnt yet


@pytest.mark.usefixtures("no_haste")
def test_a_second_training_is_asked_as_early_as_the_first(watched: Any) -> None:
    with watched(Questions) as seen:
        train(Reader, steps=50)
        train(Leaks, steps=10)
    first, second = seen.view.trainings
    assert first.series("later_token_change").last == 0
    assert second.series("later_token_change").steps[-1] < 10
    assert second.series("later_token_change").last > 0.05


# -- later tokens -------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_haste")
def test_0_for_a_model_that_looks_back_only(watched: Any) -> None:
    with watched(Questions) as seen:
        train(Reader)
    assert last(seen, "later_token_change") == 0
    assert list(seen.view.events(CAUSAL_LEAK)) == []


@pytest.mark.usefixtures("no_haste")
def test_a_leak_is_named_by_its_operation_and_line(watched: Any) -> None:
    with watched(Questions) as seen:
        train(Leaks)
    assert last(seen, "later_token_change") > 0.05
    (event,) = seen.view.events(CAUSAL_LEAK)
    assert event.data["operation"] == "bmm"
    here = Reader.forward.__code__.co_firstlineno + 8
    assert event.data["line"] == [__file__, here, "forward"]


@pytest.mark.usefixtures("no_haste")
def test_only_a_loss_that_asks_for_the_next_token_is_judged(watched: Any) -> None:
    with watched(Questions) as seen:
        train(Leaks, same_words)
    assert seen.view.trainings[0].places("later_token_change") == ()
    assert "no model is trained to predict the next" in seen.view.skipped["later_token_change"]


# -- inputs and answers -------------------------------------------------------------------------


class Two(nn.Module):
    """Is given two inputs; `use` makes features of both."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(4, 8), nn.Linear(3, 8)
        self.head = nn.Linear(8, 2)
        self.shown = nn.Parameter(torch.randn(1, 8))

    def forward(self, x: Tensor, side: Tensor) -> Tensor:
        return self.head(self.use(x, side).relu())

    def use(self, x: Tensor, side: Tensor) -> Tensor:
        return self.one(x) + self.other(side)


class OnlyOne(Two):
    def use(self, x: Tensor, side: Tensor) -> Tensor:
        return self.one(x)


class Neither(Two):
    def use(self, x: Tensor, side: Tensor) -> Tensor:
        return self.shown + torch.zeros_like(self.one(x))


class InPlace(Two):
    def use(self, x: Tensor, side: Tensor) -> Tensor:
        both = torch.zeros(len(x), 8)
        both[:, :3] = side
        return self.one(x) + both


class ByPython(Two):
    def use(self, x: Tensor, side: Tensor) -> Tensor:
        return self.one(x) * (1 + int(side.sum().item() > 0))


class OneNumber(Two):
    def forward(self, x: Tensor, side: Tensor) -> Tensor:
        number = self.use(x, side).sum(1, keepdim=True)
        alone = F.layer_norm(number, (1,))  # here
        return alone.expand(-1, 2)


def two(model: nn.Module) -> Tensor:
    x, side = torch.randn(ROWS, 4), torch.randn(ROWS, 3)
    return F.cross_entropy(model(x, side), (x[:, 0] > 0).long())


@pytest.mark.parametrize(
    ("make", "used"),
    [(Two, [1, 1]), (OnlyOne, [1, 0]), (Neither, [0, 0]), (InPlace, [1, 1]), (ByPython, [1, 1])],
)
@pytest.mark.usefixtures("no_haste")
def test_an_input_is_used_if_operations_lead_from_it_to_the_loss(
    watched: Any, make: Any, used: list[int]
) -> None:
    with watched(Questions) as seen:
        train(make, two)
    assert [last(seen, "input_used", place) for place in ("x", "side")] == used
    unused = [event.data for event in seen.view.events(INPUT_UNUSED)]
    assert [data["place"] for data in unused] == [
        place for place, one in zip(("x", "side"), used, strict=True) if not one
    ]
    assert all(data["line"][1] == Two.forward.__code__.co_firstlineno for data in unused)


@pytest.mark.usefixtures("no_haste")
def test_the_spread_is_that_of_log_probabilities(watched: Any) -> None:
    answers: list[Tensor] = []

    def loss_of(model: nn.Module) -> Tensor:
        x, side = torch.randn(ROWS, 4), torch.randn(ROWS, 3)
        made = model(x, side)
        answers.append(made.detach().clone())
        return F.cross_entropy(made, (x[:, 0] > 0).long())

    with watched(Questions) as seen:
        train(Two, loss_of)
    series = seen.view.trainings[0].series("answer_spread")
    expected = answers[series.steps[-1]].double().log_softmax(1).std(0).max()
    assert series.last == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.usefixtures("no_haste")
def test_where_answers_become_alike_is_named(watched: Any) -> None:
    with watched(Questions) as seen:
        train(OneNumber, two)
    assert last(seen, "answer_spread") == pytest.approx(0, abs=1e-6)
    (event,) = seen.view.events(ANSWERS_ALIKE)
    assert event.data["operation"] == "native_layer_norm"
    assert event.data["line"][1] == OneNumber.forward.__code__.co_firstlineno + 2


# -- padding and order --------------------------------------------------------------------------


class Pooled(nn.Module):
    """Attends over words and their positions, and takes the mean of real places."""

    masked, placed = True, True

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.key, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2)
        self.drop = nn.Dropout(0.1)

    def forward(self, ids: Tensor) -> Tensor:
        real = ids != 0
        x = self.words(ids)
        if self.placed:
            x = x + self.positions(torch.arange(LENGTH))
        weights = x @ self.drop(self.key(x)).transpose(1, 2)
        if self.masked:
            weights = weights.masked_fill(~real[:, None], -torch.inf)
        x = weights.softmax(2) @ x  # here
        return self.head((x * real[:, :, None]).sum(1) / real.sum(1, keepdim=True))


class ReadsPadding(Pooled):
    masked = False


class WithoutPlaces(Pooled):
    placed = False


def messages(model: nn.Module) -> Tensor:
    ids = torch.randint(1, WORDS, (ROWS, LENGTH))
    lengths = torch.randint(4, LENGTH, (ROWS, 1))
    lengths[0] = LENGTH
    wanted = (ids[:, 0] > 5).long()
    return F.cross_entropy(model(ids * (torch.arange(LENGTH) < lengths)), wanted)


@pytest.mark.usefixtures("no_haste")
def test_masked_padding_changes_nothing(watched: Any) -> None:
    with watched(Questions) as seen:
        train(Pooled, messages)
    assert last(seen, "padding_change") == 0
    assert list(seen.view.events(PADDING_READ)) == []


@pytest.mark.usefixtures("no_haste")
def test_padding_that_is_read_is_named_by_operation_and_line(watched: Any) -> None:
    with watched(Questions) as seen:
        train(ReadsPadding, messages)
    assert last(seen, "padding_change") > 0.05
    (event,) = seen.view.events(PADDING_READ)
    assert event.data["operation"] == "bmm"
    assert event.data["line"][1] == Pooled.forward.__code__.co_firstlineno + 8
    assert event.data["told"] is False


class ReadsLast(nn.Module):
    """A recurrent net of words and their number, whose answer is read where rows are padded."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(WORDS, WIDTH), nn.Linear(WIDTH, 2)
        self.steps = nn.GRU(WIDTH, WIDTH, batch_first=True)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        x, _ = self.steps(self.words(ids))
        return self.out(x[:, -1])


@pytest.mark.usefixtures("no_haste")
def test_steps_through_padding_are_not_what_reads_it(watched: Any) -> None:
    def counted(model: nn.Module) -> Tensor:
        return messages(lambda ids: model(ids, (ids != 0).sum(1)))  # type: ignore[arg-type]

    with watched(Questions) as seen:
        train(ReadsLast, counted)
    (event,) = seen.view.events(PADDING_READ)
    assert event.data["operation"] == "select"
    assert event.data["line"][1] == ReadsLast.forward.__code__.co_firstlineno + 2


@pytest.mark.parametrize(("make", "least"), [(Pooled, 0.01), (WithoutPlaces, 0.0)])
@pytest.mark.usefixtures("no_haste")
def test_the_order_of_words_counts_with_positions_alone(
    watched: Any, make: Any, least: float
) -> None:
    with watched(Questions) as seen:
        train(make, messages)
    change = last(seen, "order_change")
    assert change > least if least else change < 1e-4


@pytest.mark.parametrize(
    ("make", "loss_of"), [(Pooled, messages), (ReadsPadding, messages), (OneNumber, two)]
)
@pytest.mark.usefixtures("no_haste")
def test_all_questions_leave_the_run_as_it_is(watched: Any, make: Any, loss_of: Any) -> None:
    expected = state(train(make, loss_of))
    with watched(Questions):
        found = state(train(make, loss_of))
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))


# -- layers and dropout -------------------------------------------------------------------------


class Layers(nn.Module):
    """Two layers before the last one; `between` is put to the test."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, width), nn.Linear(width, 8)
        self.norm, self.drop = nn.BatchNorm1d(width), nn.Dropout(0.5)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.two(self.between(self.one(x))).relu())

    def between(self, x: Tensor) -> Tensor:
        return self.drop(self.norm(x).relu())


class NothingBetween(Layers):
    def between(self, x: Tensor) -> Tensor:
        return 1.0 * self.drop(self.norm(x))


class LowRank(NothingBetween):
    def __init__(self) -> None:
        super().__init__(3)


class TakenTwice(Layers):
    def forward(self, x: Tensor) -> Tensor:
        hidden = self.one(x)
        return self.head(self.two(hidden).relu() + hidden)


def sides(model: nn.Module) -> Tensor:
    x = torch.randn(ROWS, 4)
    return F.cross_entropy(model(x), (x[:, 0] > 0).long())


@pytest.mark.parametrize(
    ("make", "share"), [(Layers, 0), (NothingBetween, 0.5), (LowRank, 0), (TakenTwice, 0)]
)
@pytest.mark.usefixtures("no_haste")
def test_layers_with_nothing_non_linear_between_are_found(
    watched: Any, make: Any, share: float
) -> None:
    with watched(Questions) as seen:
        train(make, sides)
    assert last(seen, "linear_share") == share
    pairs = [(e.data["first"], e.data["second"]) for e in seen.view.events(LINEAR_PAIR)]
    assert pairs == [("one.weight", "two.weight")] * bool(share)


class DropsHalf(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.head = nn.Linear(4, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.dropout(self.one(x), 0.5))


@pytest.mark.usefixtures("no_haste")
def test_a_half_is_a_share_as_any_other(watched: Any) -> None:
    with watched(Questions) as seen:
        train(DropsHalf, sides)
    assert last(seen, "dropout_share") == 0.5


class Drops(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.head = nn.Linear(4, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.dropout(self.one(F.dropout(x, 0.9)).relu(), 0.8)  # here
        return self.head(hidden)


@pytest.mark.usefixtures("no_haste")
def test_the_gap_is_that_of_a_step_without_dropout(watched: Any) -> None:
    losses: list[tuple[float, float]] = []

    def loss_of(model: Any) -> Tensor:
        x = torch.randn(ROWS, 4)
        y = (x[:, 0] > 0).long()
        loss = F.cross_entropy(model(x), y)
        whole = F.cross_entropy(model.head(model.one(x).relu()), y)
        losses.append((loss.item(), whole.item()))
        return loss

    with watched(Questions) as seen:
        train(Drops, loss_of)
    gap = seen.view.trainings[0].series("dropout_gap")
    loss, whole = losses[gap.steps[-1]]
    assert gap.last == pytest.approx(1 - whole / loss, rel=1e-3, abs=1e-5)
    assert last(seen, "dropout_share") == pytest.approx(0.8)
    (event,) = seen.view.events(DROPOUT_HIGH)
    assert event.data["line"][1] == Drops.forward.__code__.co_firstlineno + 1


# -- attention by hand and residual sums --------------------------------------------------------


class Attends(nn.Module):
    """Attention over 6 places, for [samples, 6, 16]."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(16, 16), nn.Linear(16, 16)
        self.head = nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((self.scores(x).softmax(2) @ x).mean(1))

    def scores(self, x: Tensor) -> Tensor:
        return self.query(x) @ self.key(x).transpose(1, 2) * 0.25


class Unscaled(Attends):
    def scores(self, x: Tensor) -> Tensor:
        return self.query(x) @ self.key(x).transpose(1, 2)


class ScaledBefore(Attends):
    def scores(self, x: Tensor) -> Tensor:
        return (self.query(x) / 4) @ self.key(x).transpose(1, 2)


class OfStates(Attends):
    def scores(self, x: Tensor) -> Tensor:
        return torch.tanh(self.query(x)) @ torch.tanh(self.key(x)).transpose(1, 2)


def places(model: nn.Module) -> Tensor:
    x = 2 * torch.randn(ROWS, 6, 16)
    return F.cross_entropy(model(x), (x[:, 0, 0] > 0).long())


@pytest.mark.parametrize("make", [Attends, ScaledBefore, OfStates])
@pytest.mark.usefixtures("no_haste")
def test_0_for_scores_that_something_scales(watched: Any, make: Any) -> None:
    with watched(FirstQuestions) as seen:
        train(make, places, steps=4)
    assert list(seen.view.trainings[0].series("unscaled_scores").values) == [0.0]


@pytest.mark.usefixtures("no_haste")
def test_the_spread_of_scores_that_nothing_scales(watched: Any) -> None:
    kept: list[Tensor] = []

    def loss_of(model: Any) -> Tensor:
        x = 2 * torch.randn(ROWS, 6, 16)
        kept.append(Unscaled.scores(model, x).detach())
        return F.cross_entropy(model(x), (x[:, 0, 0] > 0).long())

    with watched(FirstQuestions) as seen:
        train(Unscaled, loss_of, steps=4)
    series = seen.view.trainings[0].series("unscaled_scores")
    expected = kept[series.steps[0]].double().std(2).median()
    assert series.first == pytest.approx(float(expected), rel=1e-4)
    (event,) = seen.view.events(SCORES_UNSCALED)
    assert event.data["width"] == 16
    assert event.data["line"][1] == Unscaled.scores.__code__.co_firstlineno + 1


class Torchs(Attends):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part[:, None] for part in (self.query(x), self.key(x), x))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=self.masked(x)[:, None])
        return self.head(seen[:, 0].mean(1))

    def masked(self, x: Tensor) -> Tensor:
        return (torch.arange(6) < 5).expand(len(x), 6, 6)


class MaskedByHand(Torchs):
    def forward(self, x: Tensor) -> Tensor:
        scores = self.scores(x).masked_fill(~self.masked(x), -torch.inf)
        return self.head((F.dropout(scores.softmax(2), 0.1) @ x).mean(1))


class MasksAll(MaskedByHand):
    def forward(self, x: Tensor) -> Tensor:
        scores = self.scores(x).masked_fill(self.masked(x) | True, -1e9)
        return self.head((scores.softmax(2) @ x).mean(1))


@pytest.mark.parametrize("make", [Torchs, MaskedByHand])
@pytest.mark.usefixtures("no_haste")
def test_the_weights_of_attention(watched: Any, make: Any) -> None:
    kept: list[Tensor] = []

    def loss_of(model: Any) -> Tensor:
        x = 2 * torch.randn(ROWS, 6, 16)
        kept.append(model.scores(x)[:, :, :5].detach().softmax(2))
        return F.cross_entropy(model(x), (x[:, 0, 0] > 0).long())

    with watched(Questions) as seen:
        train(make, loss_of)
    training = seen.view.trainings[0]
    top, spread = (training.series(f"attention_{n}") for n in ("top_weight", "weight_range"))
    weights = kept[top.steps[0]].double()
    assert top.first == pytest.approx(float(weights.amax(2).mean()), rel=1e-3)
    expected = 5 * float((weights.amax(2) - weights.amin(2)).amax())
    assert spread.first == pytest.approx(expected, rel=1e-3)


@pytest.mark.usefixtures("no_haste")
def test_the_line_of_an_attention_whose_weights_are_equal(watched: Any) -> None:
    with watched(Questions) as seen:
        train(MasksAll, places)
    assert max(seen.view.trainings[0].series("attention_weight_range").values) == 0.0
    (event,) = seen.view.events(ATTENTION_AT)
    assert event.data["how"] == "all keys"
    assert event.data["line"][1] == MasksAll.forward.__code__.co_firstlineno + 2


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one = nn.Linear(4, 8), nn.Linear(8, 8)
        self.two, self.head = nn.Linear(8, 8), nn.Linear(8, 2)
        self.gamma = nn.Parameter(torch.full((8,), 0.01))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.block(x, self.one(x).relu())
        return self.head(self.block(x, self.two(x).relu()))

    def block(self, x: Tensor, branch: Tensor) -> Tensor:
        return F.dropout(x + self.gamma * branch, 0.1)


class Constant(Residual):
    def block(self, x: Tensor, branch: Tensor) -> Tensor:
        return (x + branch) * 0.1


class Weight(Residual):
    def block(self, x: Tensor, branch: Tensor) -> Tensor:
        return self.gamma * (x + branch)


class Masked(Residual):
    def block(self, x: Tensor, branch: Tensor) -> Tensor:
        mask = x.new_empty(len(x), 1).bernoulli_(0.8)
        return (x + branch).div(0.8) * mask


class OnTheBranch(Residual):
    def block(self, x: Tensor, branch: Tensor) -> Tensor:
        mask = x.new_empty(len(x), 1).bernoulli_(0.8)
        return x + 0.1 * branch.div(0.8) * mask


@pytest.mark.parametrize(
    ("make", "factor"),
    [(Residual, 1.0), (OnTheBranch, 1.0), (Constant, 0.1), (Weight, 0.01), (Masked, 0.0)],
)
@pytest.mark.usefixtures("no_haste")
def test_the_factor_of_a_residual_sum(watched: Any, make: Any, factor: float) -> None:
    with watched(Questions) as seen:
        train(make, sides)
    assert last(seen, "residual_factor") == pytest.approx(factor, abs=0.02)
    found = list(seen.view.events(RESIDUAL_SCALED))
    assert len(found) == (factor < 1)


@pytest.mark.parametrize(
    ("make", "loss_of"), [(NothingBetween, sides), (Unscaled, places), (Masked, sides)]
)
@pytest.mark.usefixtures("no_haste")
def test_no_question_changes_the_run(watched: Any, make: Any, loss_of: Any) -> None:
    expected = state(train(make, loss_of))
    with watched(Questions, FirstQuestions):
        found = state(train(make, loss_of))
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))
