"""What is noted of loss calls, and losses that mean the same whatever trick is on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.probes.loss.losses import Losses, producer
from assay.probes.run.comparable import loss_alike, wrong_share
from assay.watching.graph import VIEWS_AT_MOST


def watched_loss(watched: Any, loss: Any, outputs: int = 3) -> Any:
    torch.manual_seed(0)
    model = nn.Linear(4, outputs)
    with watched(Losses) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            loss(model(torch.randn(6, 4))).backward()
            optimizer.step()
    return seen.view


LABELS = torch.tensor([0, 1, 2, 0, 1, 1])


def test_the_facts_of_a_call(watched: Any) -> None:
    view = watched_loss(
        watched,
        lambda out: F.cross_entropy(out.softmax(1), LABELS, torch.ones(3), label_smoothing=0.1),
    )
    (call,) = view.events("loss_call")
    facts = dict(call.data)
    assert facts.pop("place").startswith("cross_entropy (test_loss_facts.py:")
    assert facts == {
        "fn": "cross_entropy",
        "input": {"shape": [6, 3], "dtype": "float32"},
        "target": {"shape": [6], "dtype": "int64"},
        "output": [],
        "requires_grad": True,
        "reduction": "mean",
        "label_smoothing": 0.1,
        "ignore_index": None,
        "weighted": True,
        "producer": "Softmax",
        "in_graph": True,
    }


def test_a_call_without_a_weight_and_one_with_a_positive_weight(watched: Any) -> None:
    bits = torch.ones(6, 3)
    plain = watched_loss(watched, lambda out: F.binary_cross_entropy_with_logits(out, bits))
    assert next(plain.events("loss_call")).data["weighted"] is False
    heavy = watched_loss(
        watched,
        lambda out: F.binary_cross_entropy_with_logits(out, bits, pos_weight=torch.ones(3)),
    )
    assert next(heavy.events("loss_call")).data["weighted"] is True


def test_other_shapes_are_other_calls_and_other_batches_are_not(watched: Any) -> None:
    def loss(out: Tensor) -> Tensor:
        whole = torch.zeros(())
        for rows, columns in ((6, 3), (4, 3), (1, 3), (6, 2)):
            whole = whole + F.mse_loss(out[:rows, :columns], torch.zeros(rows, columns))
        return whole

    shapes = [e.data["input"]["shape"] for e in watched_loss(watched, loss).events("loss_call")]
    assert shapes == [[6, 3], [1, 3], [6, 2]]


def test_a_loss_of_many_numbers_has_no_value(watched: Any) -> None:
    view = watched_loss(
        watched, lambda out: F.mse_loss(out, torch.ones(6, 3), reduction="none").sum()
    )
    assert view.trainings[0].places("loss_call_value") == ()
    assert next(view.events("loss_call")).data["output"] == [6, 3]


def test_a_loss_without_a_graph_is_noted(watched: Any) -> None:
    with watched(Losses) as seen:
        model = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        torch.tensor(1.0, requires_grad=True).backward()
        optimizer.step()
        with pytest.raises(RuntimeError, match="does not require grad"):
            torch.tensor(2.0).backward()
    found = [event.data["requires_grad"] for event in seen.view.events("loss_without_graph")]
    assert found == [True]
    (failed,) = seen.view.events("backward_failed")
    assert "does not require grad" in failed.data["error"]


def test_the_producer_is_seen_through_views() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    assert producer(x) is None
    assert producer(x.sigmoid().view(3, 2).unsqueeze(0)) == "Sigmoid"
    assert producer(x.log_softmax(1)) == "LogSoftmax"
    long = x.sigmoid()
    for _ in range(VIEWS_AT_MOST):
        long = long.t()
    assert producer(long) == "Sigmoid"
    assert producer(long.t()) == "T"  # too long a way
    assert producer(x.view(6)) is None or "AccumulateGrad" in str(producer(x.view(6)))


# -- comparable ----------------------------------------------------------------------------------

dice = torch.Generator().manual_seed(0)
OUT = torch.randn(6, 3, generator=dice)
NUMBERS = torch.randn(6, 3, generator=dice)
BITS = (NUMBERS > 0).float()


@pytest.mark.parametrize(
    ("name", "source", "target", "expected"),
    [
        ("cross_entropy", OUT, LABELS, F.cross_entropy(OUT.double(), LABELS)),
        ("cross_entropy", OUT.softmax(1), LABELS, F.cross_entropy(OUT.double(), LABELS)),
        ("nll_loss", OUT.log_softmax(1), LABELS, F.cross_entropy(OUT.double(), LABELS)),
        ("mse_loss", OUT, NUMBERS, F.mse_loss(OUT.double(), NUMBERS.double())),
        ("mse_loss", OUT[:, :1], NUMBERS[:, 0],
         F.mse_loss(OUT[:, 0].double(), NUMBERS[:, 0].double())),
        ("l1_loss", OUT, NUMBERS, F.l1_loss(OUT.double(), NUMBERS.double())),
        ("binary_cross_entropy", OUT.sigmoid(), BITS,
         F.binary_cross_entropy(OUT.double().sigmoid(), BITS.double())),
        ("binary_cross_entropy", torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]),
         torch.tensor(50.0)),
        ("binary_cross_entropy", torch.tensor([1.0, 1.0]), torch.tensor([0.0, 1.0]),
         torch.tensor(50.0)),
        ("binary_cross_entropy_with_logits", OUT, BITS,
         F.binary_cross_entropy_with_logits(OUT.double(), BITS.double())),
        ("cross_entropy", OUT, BITS, None),
        ("mse_loss", OUT, NUMBERS[:2], None),
        ("huber_loss", OUT, NUMBERS, None),
    ],
)  # fmt: skip
def test_the_loss_as_it_ought_to_be(
    name: str, source: Tensor, target: Tensor, expected: Tensor | None
) -> None:
    found = loss_alike(name, source, target, -100)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_ignored_labels_and_rows_off_the_simplex() -> None:
    labels = LABELS.clone()
    labels[0] = 7
    found = loss_alike("cross_entropy", OUT, labels, 7)
    assert found is not None
    assert float(found) == pytest.approx(float(F.cross_entropy(OUT[1:], LABELS[1:])), rel=1e-5)
    mixed = torch.cat([OUT[:5].softmax(1), torch.tensor([[0.2, 0.2, 0.2]])])
    found = loss_alike("cross_entropy", mixed, LABELS, -100)
    assert found is not None
    assert float(found) == pytest.approx(float(F.cross_entropy(mixed, LABELS)), rel=1e-5)
    negative = OUT[:, :2] * 0 + torch.tensor([1.5, -0.5])
    found = loss_alike("cross_entropy", negative, LABELS % 2, -100)
    assert found is not None
    assert float(found) == pytest.approx(float(F.cross_entropy(negative, LABELS % 2)), rel=1e-5)


def test_the_share_of_wrong_answers() -> None:
    out = torch.eye(3)[torch.tensor([0, 1, 2, 1, 1, 1])]
    assert float(wrong_share("cross_entropy", out, LABELS, -100) or 0) == pytest.approx(1 / 6)
    assert float(wrong_share("cross_entropy", out, LABELS, 0) or 0) == 0.0
    assert float(wrong_share("nll_loss", out, LABELS, 2) or 0) == pytest.approx(1 / 5)
    assert wrong_share("mse_loss", out, out, -100) is None
    assert wrong_share("cross_entropy", out, out, -100) is None
    bits = torch.tensor([1.0, 0.0, 1.0, 0.0])
    logits = torch.tensor([0.2, 0.2, 0.7, -1.0])
    by_logit = wrong_share("binary_cross_entropy_with_logits", logits, bits, -100)
    by_probability = wrong_share("binary_cross_entropy", logits, bits, -100)
    assert by_logit is not None
    assert by_probability is not None
    assert float(by_logit) == 0.25
    assert float(by_probability) == 0.25
    assert wrong_share("binary_cross_entropy", logits, bits[:2], -100) is None
