"""What a loss is made of and given: signs, last activations, padding, copies, predictions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch import distributions as D

from assay.journal.view import RunView
from assay.probes.loss.loss_graph import LossGraph
from assay.probes.loss.loss_weights import LossWeights
from assay.probes.loss.predictions import Predictions
from assay.probes.model.lookahead import Lookahead

Watching = Callable[..., AbstractContextManager[Any]]
pytestmark = pytest.mark.usefixtures("no_haste")

X, LABELS = torch.randn(6, 4), torch.tensor([0, 1, 2, 1, 0, 2])
ROWS, HOT = torch.arange(6), F.one_hot(LABELS, 3).float()


def one_step(watched: Watching, loss: Callable[[Tensor], Tensor], *probes: Any) -> RunView:
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watched(*probes) as seen:
        loss(model(X)).backward()
        optimizer.step()
    view: RunView = seen.view
    return view


@pytest.mark.parametrize(
    ("loss", "sign", "terms"),
    [
        (lambda z: F.cross_entropy(z, LABELS), 1, 1),
        (lambda z: -F.cross_entropy(z, LABELS), -1, 1),
        (lambda z: F.cross_entropy(z, LABELS) * -2, -1, 1),
        (lambda z: 1 - F.cross_entropy(z, LABELS), -1, 1),
        (lambda z: -F.cross_entropy(z, LABELS, reduction="none").mean() / -4, 1, 1),
        (lambda z: z.log_softmax(1)[ROWS, LABELS].mean(), -1, 1),
        (lambda z: -z.log_softmax(1).gather(1, LABELS[:, None]).mean(), 1, 1),
        (lambda z: (HOT * z.log_softmax(1)).sum(1).mean(), -1, 1),
        (lambda z: torch.log(z.softmax(1)[ROWS, LABELS] + 1e-9).sum(), -1, 1),
        (lambda z: -((z - HOT) ** 2).mean(), -1, 1),
        (lambda z: (HOT - z).pow(2).sum() / 6, 1, 1),
        (lambda z: z.mean() - F.cross_entropy(z, LABELS), -1, 2),
        (lambda z: D.Categorical(logits=z).log_prob(LABELS).mean(), -1, 1),
        (lambda z: -D.Independent(D.Normal(z, 1.0), 1).log_prob(HOT).mean(), 1, 1),
        (lambda z: D.Laplace(z, z.exp()).log_prob(HOT).sum(1).mean().neg() / 2, 1, 1),
    ],
)
def test_signs(
    watched: Watching, loss: Callable[[Tensor], Tensor], sign: float, terms: float
) -> None:
    (training,) = one_step(watched, loss, LossGraph).trainings
    (place,) = training.places("loss_sign")
    assert training.series("loss_sign", place).last == sign
    assert training.series("loss_terms").last == terms


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: (z.log_softmax(1)[ROWS, LABELS] * torch.randn(6)).mean(),  # advantages
        lambda z: -3.5 * z.log_softmax(1)[ROWS, LABELS].sum(),  # a return
        lambda z: (z.softmax(1) * z.log_softmax(1)).sum(1).mean(),  # an entropy
        lambda z: -(z**2).mean(),  # a variance
        lambda z: z.logsumexp(1).log().mean(),  # a logarithm of something else
        lambda z: D.Normal(z, 1.0).log_prob(D.Normal(z, 1.0).rsample()).mean(),  # of its own draw
        lambda z: (D.Categorical(logits=z).log_prob(LABELS) * torch.randn(6)).mean(),
    ],
)
def test_what_has_no_right_sign(watched: Watching, loss: Callable[[Tensor], Tensor]) -> None:
    (training,) = one_step(watched, loss, LossGraph).trainings
    assert list(training.places("loss_sign")) == []


def test_last_activations(watched: Watching) -> None:
    target = torch.tensor([[-1.0, 0.5, 2.0]] * 6)
    view = one_step(watched, lambda z: F.mse_loss(z.sigmoid().view(-1, 3), target), LossGraph)
    (event,) = view.events("loss_activation")
    assert event.data["activation"] == "Sigmoid"
    place = event.data["place"]
    shares = view.trainings[0].series("target_unreachable_share", place)
    assert shares.last == pytest.approx(2 / 3)
    view = one_step(watched, lambda z: F.mse_loss(2 * z.sigmoid(), target), LossGraph)
    assert list(view.events("loss_activation")) == []
    view = one_step(watched, lambda z: F.nll_loss(z.relu().log_softmax(1), LABELS), LossGraph)
    assert [e.data["activation"] for e in view.events("loss_activation")] == ["Relu"]


def test_predictions(watched: Watching) -> None:
    hits = torch.zeros(6, 3)
    hits[:, 1] = 9.0
    hits[0, 2] = 20.0
    view = one_step(watched, lambda z: F.cross_entropy(0 * z + hits, LABELS), Predictions)
    (training,) = view.trainings
    (place,) = training.places("prediction_top_share")
    assert training.series("prediction_top_share", place).last == pytest.approx(5 / 6)
    assert training.series("prediction_top_label", place).last == 1
    ones = torch.tensor([1.0, 0, 0, 1, 0, 0])
    view = one_step(
        watched, lambda z: F.binary_cross_entropy_with_logits(0 * z[:, 0] - 1, ones), Predictions
    )
    (training,) = view.trainings
    (place,) = training.places("target_ones_share")
    assert training.series("target_ones_share", place).last == pytest.approx(1 / 3)
    assert training.series("prediction_top_share", place).last == 1
    assert training.series("prediction_top_label", place).last == 0


class Tagger(nn.Module):
    def __init__(self, *, both: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, 8)
        self.rnn = nn.GRU(8, 8, batch_first=True, bidirectional=both)
        self.out = nn.Linear(16 if both else 8, 9)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.rnn(self.embed(tokens))[0])


def sequences(
    watched: Watching, tokens: Tensor, target: Tensor, *, both: bool = False, **options: Any
) -> RunView:
    torch.manual_seed(0)
    model = Tagger(both=both)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watched(Lookahead) as seen:
        logits = model(tokens)[:, : target.shape[1]]
        F.cross_entropy(logits.flatten(0, 1), target.flatten(), **options).backward()
        optimizer.step()
    view: RunView = seen.view
    return view


TOKENS = torch.tensor([[1, 2, 3, 4, 0, 0], [5, 6, 7, 8, 1, 2], [3, 4, 0, 0, 0, 0]])


def last(view: RunView, signal: str) -> float:
    (training,) = view.trainings
    (place,) = training.places(signal)
    return float(training.series(signal, place).last)


@pytest.mark.parametrize("both", [False, True])
def test_a_copy_and_whether_the_model_looks_ahead(watched: Watching, both: bool) -> None:
    view = sequences(watched, TOKENS, TOKENS, both=both)
    assert last(view, "target_is_input") == 1
    assert (last(view, "lookahead") > 0) == both


def test_padding_is_counted(watched: Watching) -> None:
    view = sequences(watched, TOKENS, TOKENS)
    assert last(view, "padded_target_share") == pytest.approx(6 / 18)
    assert last(view, "padded_target_value") == 0
    view = sequences(watched, TOKENS, TOKENS[:, 1:])  # the first end of each row is to be learnt
    assert last(view, "padded_target_share") == pytest.approx(4 / 15)
    assert (
        last(view, "target_is_input") < 1 if view.trainings[0].places("target_is_input") else True
    )


@pytest.mark.parametrize(
    ("tokens", "options"),
    [
        (TOKENS, {"ignore_index": 0}),
        (TOKENS.flip(1), {}),
        (torch.tensor([[1, 0, 3, 4, 0, 0], [5, 6, 7, 8, 1, 2], [3, 4, 0, 0, 0, 0]]), {}),
        (torch.tensor([[1, 2, 3, 4, 0, 0], [5, 6, 7, 8, 0, 0]]), {}),
    ],
)
def test_padding_is_not_counted(watched: Watching, tokens: Tensor, options: dict[str, Any]) -> None:
    assert last(sequences(watched, tokens, tokens, **options), "padded_target_share") == 0


class WithLoss(Tagger):
    """Computes its loss itself, as many language models do."""

    def forward(self, tokens: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        logits = super().forward(tokens)
        return logits, F.cross_entropy(logits.view(-1, 9), targets.view(-1))


@pytest.mark.parametrize("shifted", [True, False])
def test_a_model_that_is_given_its_targets(watched: Watching, shifted: bool) -> None:
    model = WithLoss(both=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    tokens = torch.arange(24).reshape(4, 6) % 9
    with watched(Lookahead) as seen:
        target = tokens[:, 1:].contiguous() if shifted else tokens[:, :-1].clone()
        model(tokens[:, :-1].contiguous(), target)[1].backward()
        optimizer.step()
    assert (last(seen.view, "target_is_input") == 1) != shifted
    assert list(seen.view.trainings[0].places("lookahead")) == ([] if shifted else [""])


@pytest.mark.parametrize(
    ("loss", "divided"),
    [
        (lambda z: F.mse_loss(z, HOT) + (z.exp() - z).sum(), 1),
        (lambda z: -0.5 * torch.sum(1 + z - z.exp()) + F.mse_loss(z, HOT), 1),
        (lambda z: D.kl_divergence(D.Normal(z, z.exp()), D.Normal(0, 1)).sum()
         + F.mse_loss(z, HOT), 1),
        (lambda z: F.mse_loss(z, HOT) + z.relu().sum(), 0),
        (lambda z: F.mse_loss(z, HOT) + 0.01 * (z.exp() - z).sum(), 0),
        (lambda z: F.mse_loss(z, HOT) + (z.exp() - z).sum() / 6, 6),
        (lambda z: F.mse_loss(z, HOT) + -0.5 * torch.sum(1 + z - z.exp()) / 6, 6),
        (lambda z: F.mse_loss(z, HOT) + -0.5 * (torch.sum(1 + z - z.exp()) / 6), 6),
        (lambda z: F.mse_loss(z, HOT) + (z.exp() - z).sum(1).mean(), 6),
        (lambda z: F.mse_loss(z, HOT) + torch.mean(-0.5 * (1 + z - z.exp()).sum(1)), 6),
        (lambda z: F.mse_loss(z, HOT) + (z.exp() - z).sum() / 18, 0),
        (lambda z: F.mse_loss(z, HOT) + (z.exp() - z).sum() / z.sum(), 0),
        (lambda z: F.mse_loss(z, HOT) + (z.exp() - z).sum(0).mean(), 0),
        (lambda z: F.mse_loss(z, HOT) + (z.exp() - z).mean(), 0),
        (lambda z: F.mse_loss(z, HOT, reduction="sum") + (z.exp() - z).sum(), 0),
        (lambda z: F.mse_loss(z, HOT) + (z.exp() - z)[:3].sum(), 0),
        (lambda z: F.mse_loss(z, HOT) / 3 + (z.exp() - z).sum(), 0),
    ],
)  # fmt: skip
def test_a_mean_beside_the_sum_of_a_divergence(
    watched: Watching, loss: Callable[[Tensor], Tensor], divided: int
) -> None:
    seen = one_step(watched, loss, LossWeights).events("mean_beside_sum")
    found = [(e.data["shape"], e.data["summed"], e.data["divided"]) for e in seen]
    assert found == ([([6, 3], [6, 3], divided)] if divided else [])


def test_a_decoder_that_is_given_its_targets(watched: Watching) -> None:
    """Teacher forcing without a shift: the decoder is told the very token that it is to say."""

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.steps = nn.Embedding(9, 8), nn.GRU(8, 8, batch_first=True)
            self.out = nn.Linear(8, 9)

        def forward(self, source: Tensor, target: Tensor) -> Tensor:
            state = self.steps(self.words(source))[1]
            result: Tensor = self.out(self.steps(self.words(target), state)[0])
            return result

    model = Decoder()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    source = torch.arange(24).reshape(4, 6) % 9
    target = source.flip(1)
    with watched(Lookahead) as seen:
        F.cross_entropy(model(source, target).flatten(0, 1), target.flatten()).backward()
        optimizer.step()
    assert last(seen.view, "target_is_input") == 1
    assert last(seen.view, "lookahead") == 0
