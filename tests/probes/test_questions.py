"""What a step answers when one thing that the model was given is another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.journal.events import CAUSAL_LEAK
from assay.probes.questions import asked as asked_module
from assay.probes.questions.probe import Questions
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
    monkeypatch.setattr(asked_module, "KEPT_AT_MOST", 0)
    with watched(Questions) as seen:
        train(Leaks)
    assert last(seen, "later_token_change") > 0.05
    assert list(seen.view.events(CAUSAL_LEAK)) == []


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
