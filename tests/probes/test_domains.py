"""What made the arguments of losses and distributions, and whether they lie in their domain."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, distributions, nn

from assay.probes.loss.domains import CALLS_AT_MOST, Domains, sums_to_one
from assay.watching.making import Made, made_by

WEIGHTS = nn.Parameter(torch.eye(5, 3) + 0.1)
LINEAR = nn.Linear(3, 5)
BIAS = nn.Parameter(torch.zeros(5))
torch.manual_seed(0)
X = torch.randn(4, 3)
MAPS = nn.Conv2d(1, 2, 3)(torch.randn(1, 1, 8, 8))


def h() -> Tensor:
    out: Tensor = LINEAR(X)
    return out


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (h(), Made("linear")),
        (nn.Linear(5, 2, bias=False)(h().view(2, 2, 5)), Made("linear")),
        (MAPS, Made("linear")),
        (h().relu(), Made("relu")),
        (h().softmax(-1), Made("softmax", 1, 5)),
        (h().softmax(0).t(), Made("softmax", 0, 4)),
        (h().log_softmax(1).exp(), Made("softmax", 1, 5)),
        (h().softmax(1).clamp(min=1e-8).log(), Made("log_softmax", 1, 5)),
        (h().softmax(1)[:, 1], Made("softmax", 1, 5)),
        (nn.Linear(3, 1)(X).softmax(1).squeeze(1), Made("softmax", 1, 1)),
        (torch.cat([h().sigmoid(), h().sigmoid()]), Made("sigmoid")),
        (torch.cat([h().sigmoid(), h()]), Made("Cat")),
        (F.logsigmoid(h()).exp(), Made("sigmoid")),
        (F.interpolate(MAPS.sigmoid(), scale_factor=2, mode="bilinear"), Made("sigmoid")),
        (h().exp(), Made("exp")),
        (F.softplus(h()), Made("softplus")),
        (nn.Linear(4, 2)(torch.zeros(3, 5, 4).transpose(0, 1)), Made("linear")),
        (h().softmax(1) + BIAS, Made("Add")),
        (3 * h().sigmoid(), Made("Mul")),
        (h().sigmoid() - 0.5, Made("Sub")),
        (F.linear(F.normalize(X), F.normalize(WEIGHTS)), Made("cosine")),
        (9 * F.linear(F.normalize(X), F.normalize(WEIGHTS)), Made("Mul")),
        (F.normalize(h()) @ F.normalize(h()).t(), Made("product")),
        (h().detach(), Made("")),
        (WEIGHTS, Made("")),
    ],
)
def test_what_made_a_tensor(tensor: Tensor, expected: Made) -> None:
    assert made_by(tensor)[:3] == expected[:3]


def test_dimensions_over_which_numbers_sum_to_one() -> None:
    rows = torch.tensor([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]])
    for numbers, expected in (
        (rows, 2.0),
        (rows.t(), 1.0),
        (torch.eye(3), 3.0),
        (rows.unsqueeze(2), 2.0),  # a dimension of size 1 does not count
        (rows * 1.0005, 2.0),
        (rows * 1.002, 0.0),
        (rows + torch.tensor([2.0, -2.0]), 0.0),
        (torch.tensor([1.0]), 0.0),
        (rows * math.nan, 0.0),
    ):
        assert float(sums_to_one(numbers, 1e-3)) == expected


def look(watched: Any, loss: Callable[[Tensor], Tensor], outputs: int = 4) -> Any:
    """Watches three steps on eight samples."""
    torch.manual_seed(0)
    model = nn.Linear(4, outputs)
    with watched(Domains) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            loss(model(torch.randn(8, 4))).backward()
            optimizer.step()
    return seen.view


def values(view: Any, signal: str) -> list[float]:
    (place,) = view.trainings[0].places(signal)
    assert "(test_domains.py:" in place
    return [value for _, value in view.trainings[0].series(signal, place)]


LABELS = torch.arange(8) % 4
PROBABILITIES = F.one_hot(LABELS, 4).float()


def test_losses_of_classes(watched: Any) -> None:
    view = look(watched, lambda out: F.nll_loss(target=LABELS, input=out.softmax(1)))
    assert values(view, "probability_dims") == [2.0] * 3
    (event,) = view.events("loss_given")
    facts = {key: event.data[key] for key in ("fn", "argument", "made_by", "over", "size", "shape")}
    assert facts == {"fn": "nll_loss", "argument": "input", "made_by": "softmax", "over": 1,
                     "size": 4, "shape": [8, 4]}  # fmt: skip
    view = look(watched, lambda out: nn.NLLLoss()(out.log_softmax(0), LABELS))
    assert values(view, "log_probability_dims") == [1.0] * 3
    assert values(view, "probability_dims") == [0.0] * 3


def test_comparisons(watched: Any) -> None:
    mean: Any = {"reduction": "batchmean", "log_target": True}
    view = look(watched, lambda out: F.kl_div(out.log_softmax(1), PROBABILITIES, **mean))
    assert values(view, "target_probability_dims") == [2.0] * 3
    assert {event.data["argument"] for event in view.events("loss_given")} == {"input", "target"}
    assert all(event.data["setting"] is True for event in view.events("loss_given"))
    view = look(watched, lambda out: F.mse_loss(out.softmax(0), PROBABILITIES))
    assert values(view, "target_probability_dims") == [2.0] * 3
    assert values(view, "probability_dims") == [1.0] * 3
    view = look(watched, lambda out: F.mse_loss(out, PROBABILITIES))
    assert view.trainings[0].places("target_probability_dims") == ()


def test_settings(watched: Any) -> None:
    for given, expected in (({}, True), ({"log_input": False}, False)):
        view = look(watched, lambda out, g=given: F.poisson_nll_loss(out.exp(), PROBABILITIES, **g))
        (event,) = view.events("loss_given")
        assert (event.data["made_by"], event.data["setting"]) == ("exp", expected)
        assert min(values(view, "loss_input_min")) > 0


@pytest.mark.parametrize(
    ("target", "other", "negative"),
    [([0, 1] * 4, 0.5, 0.0), ([-1, 1] * 4, 0.0, 0.5), ([1] * 8, 0.0, 0.0), ([0, -1] * 4, 0.5, 0.5)],
)
def test_targets_of_pairs(watched: Any, target: Any, other: float, negative: float) -> None:
    signs = torch.tensor(target)
    for loss in (
        lambda out: F.cosine_embedding_loss(out, out.flip(1), signs),
        lambda out: F.margin_ranking_loss(input1=out[:, 0], input2=out[:, 1], target=signs),
        lambda out: F.hinge_embedding_loss(out[:, 0], signs),
        lambda out: F.soft_margin_loss(out[:, 0], signs.float()),
    ):
        view = look(watched, loss)
        assert values(view, "pair_target_other") == [other] * 3
        assert values(view, "pair_target_negative") == [negative] * 3


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("lengths_are", [torch.tensor, tuple])
def test_what_fits_into_an_input_of_ctc(watched: Any, joined: bool, lengths_are: Any) -> None:
    """Of three frames: two equal labels fit, three labels fit, three with two equal ones do not."""
    texts = [[1, 1], [1, 2, 3], [1, 2, 2], [], [2, 2, 2, 2], [3], [1, 2], [1, 2, 1]]
    wanted = [len(t) + sum(a == b for a, b in pairwise(t)) for t in texts]
    expected = sum(n > 3 for n in wanted) / 8
    padded = torch.tensor([[*t, 1, 1, 1, 1][:4] for t in texts])
    target = torch.tensor([label for text in texts for label in text]) if joined else padded
    given = lengths_are([3] * 8), lengths_are([len(t) for t in texts])

    def loss(out: Tensor) -> Tensor:
        log_probs = out.log_softmax(1).expand(3, 8, 4)
        return F.ctc_loss(log_probs, target, *given, zero_infinity=True)

    view = look(watched, loss)
    assert values(view, "ctc_impossible") == [expected] * 3
    assert expected == 0.25
    assert values(view, "log_probability_dims") == [4.0] * 3
    direct = F.ctc_loss(
        torch.zeros(3, 8, 4).log_softmax(2), padded, (3,) * 8, tuple(map(len, texts)),
        reduction="none",
    )  # fmt: skip
    assert direct.isinf().float().mean() == expected


def test_distributions(watched: Any) -> None:
    def loss(out: Tensor) -> Tensor:
        whole = distributions.Categorical(logits=out.softmax(1)).entropy().sum()
        whole = whole + distributions.Categorical(out.log_softmax(1)).entropy().sum()
        whole = whole + distributions.Bernoulli(logits=out.sigmoid()).entropy().sum()
        whole = whole + distributions.Bernoulli(0.5).entropy()
        return whole + F.gumbel_softmax(out.softmax(1)).square().sum()

    view = look(watched, loss)
    given = [
        (e.data["fn"], e.data["argument"], e.data["made_by"]) for e in view.events("loss_given")
    ]
    assert given == [
        ("Categorical", "logits", "softmax"),
        ("Categorical", "probs", "log_softmax"),
        ("Bernoulli", "logits", "sigmoid"),
        ("gumbel_softmax", "logits", "softmax"),
    ]
    places = view.trainings[0].places("loss_input_max")
    highest = [max(v for _, v in view.trainings[0].series("loss_input_max", p)) for p in places]
    assert sorted(value < 0 for value in highest) == [False, False, False, True]


def test_what_has_no_graph_and_what_comes_too_often_is_not_looked_at(watched: Any) -> None:
    def loss(out: Tensor) -> Tensor:
        with torch.no_grad():
            F.nll_loss(out, LABELS)
        for _ in range(CALLS_AT_MOST):
            out = out + F.soft_margin_loss(out, PROBABILITIES)
        return F.cross_entropy(out, LABELS)

    assert {e.data["fn"] for e in look(watched, loss).events("loss_given")} == {"soft_margin_loss"}
