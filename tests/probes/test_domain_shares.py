"""Over which dimensions numbers are a distribution, targets of pairs, and sequences too short."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from assay.probes.gradient.clipping import Clipping
from assay.probes.loss.domains import Domains, sums_to_one, tolerance_of
from assay.probes.loss.predictions import Predictions

from .noting import Noting

UNIFORM = torch.full((2, 4), 0.25)


@pytest.mark.parametrize(
    ("numbers", "dims"),
    [
        (UNIFORM, 2),
        (UNIFORM.t(), 1),
        (torch.full((2, 2), 0.5), 3),
        (torch.full((2, 3, 4), 0.25), 4),
        (torch.full((2, 3, 4), 1 / 3), 2),
        (UNIFORM[:, None], 4),
        (torch.ones(3, 1), 0),
        (UNIFORM - torch.tensor([0.5, -0.5, 0.0, 0.0]), 0),
        (UNIFORM + torch.tensor([0.0005, 0, 0, 0]), 2),
        (UNIFORM + torch.tensor([0.002, 0, 0, 0]), 0),
        (UNIFORM - torch.tensor([0.002, 0, 0, 0]), 0),
    ],
)
def test_dimensions_over_which_numbers_sum_to_one(numbers: Tensor, dims: float) -> None:
    assert float(sums_to_one(numbers, 1e-3)) == dims


def test_rounded_numbers_may_lie_further_off() -> None:
    found = {kind: tolerance_of(torch.zeros(1, dtype=kind))
             for kind in (torch.float32, torch.float64, torch.float16, torch.bfloat16)}  # fmt: skip
    assert list(found.values()) == [1e-3, 1e-3, 1e-2, 5e-2]


def ctc(targets: Tensor, room: Any, wanted: Any) -> float:
    watch = Noting()
    given = {"targets": targets, "input_lengths": room, "target_lengths": wanted}
    Domains(watch)._ctc("ctc_loss", torch.zeros(1), given)
    return watch.numbers["ctc_impossible", "ctc_loss"]


@pytest.mark.parametrize(
    ("rows", "room", "wanted", "impossible"),
    [
        ([[1, 2, 3], [1, 2, 3]], [3, 2], [3, 3], 0.5),
        ([[1, 1, 3], [1, 2, 3]], [3, 3], [3, 3], 0.5),
        ([[1, 1, 3], [1, 2, 2]], [4, 4], [3, 3], 0.0),
        ([[1, 1, 1], [1, 2, 3]], [4, 3], [3, 3], 0.5),
        ([[1, 1, 1], [1, 2, 3]], [5, 3], [3, 3], 0.0),
        ([[1, 2, 2], [1, 1, 1]], [2, 1], [2, 1], 0.0),  # what is behind the end is no target
        ([[1, 2, 2], [1, 1, 1]], [1, 1], [2, 1], 0.5),
        ([[1, 2, 2], [1, 1, 1]], [0, 0], [0, 0], 0.0),
    ],
)
def test_targets_that_do_not_fit(rows: Any, room: Any, wanted: Any, impossible: float) -> None:
    padded = torch.tensor(rows)
    assert ctc(padded, torch.tensor(room), torch.tensor(wanted)) == impossible
    flat = torch.cat([row[:length] for row, length in zip(padded, wanted, strict=True)])
    if len(flat):
        assert ctc(flat, tuple(room), tuple(wanted)) == impossible


def test_one_after_another_without_a_boundary_is_no_repetition() -> None:
    assert ctc(torch.tensor([1, 2, 2, 3]), [2, 2], [2, 2]) == 0
    assert ctc(torch.tensor([2, 2, 2, 3]), [2, 2], [2, 2]) == 0.5
    assert ctc(torch.tensor([2, 2, 3]), [2, 0, 1], [2, 0, 1]) == pytest.approx(1 / 3)
    assert ctc(torch.tensor([2, 3, 3]), [1, 3, 0], [1, 2, 0]) == 0


@pytest.mark.parametrize(
    ("target", "negative", "other"),
    [
        ([1, -1, 1, 1], 0.25, 0),
        ([1, 0, 0, -1], 0.25, 0.5),
        ([0, 1, 0, 1], 0, 0.5),
    ],
)
def test_targets_of_pairs(target: Any, negative: float, other: float) -> None:
    watch = Noting()
    Domains(watch)._pairs("soft_margin_loss", torch.tensor(target))
    assert watch.numbers == {
        ("pair_target_negative", "soft_margin_loss"): negative,
        ("pair_target_other", "soft_margin_loss"): pytest.approx(other),
    }


SOFT = torch.tensor([[0.2, 0.8], [0.6, 0.4]])


def given(name: str, source: Tensor, target: Any, **options: Any) -> Noting:
    watch = Noting()
    function = getattr(F, name)
    source = source.clone().requires_grad_() * 1
    loss = function(source, target, **options).sum()
    Domains(watch).on_loss(name, function, (source, target), options, loss)
    return watch


@pytest.mark.parametrize(
    ("name", "source", "target", "expected"),
    [
        ("nll_loss", SOFT, torch.tensor([0, 1]),
         {"loss_input_min": 0.2, "loss_input_max": 0.8, "probability_dims": 2,
          "log_probability_dims": 0}),
        ("nll_loss", SOFT.log(), torch.tensor([0, 1]),
         {"loss_input_min": -1.6094379, "loss_input_max": -0.22314355, "probability_dims": 0,
          "log_probability_dims": 2}),
        ("kl_div", SOFT.log(), SOFT,
         {"loss_input_min": -1.6094379, "loss_input_max": -0.22314355, "probability_dims": 0,
          "log_probability_dims": 2, "target_probability_dims": 2}),
        ("kl_div", SOFT.log(), SOFT[:1],
         {"loss_input_min": -1.6094379, "loss_input_max": -0.22314355, "probability_dims": 0,
          "log_probability_dims": 2}),
        ("poisson_nll_loss", SOFT * 4, SOFT, {"loss_input_min": 0.8, "loss_input_max": 3.2}),
        ("soft_margin_loss", SOFT, SOFT.round() * 2 - 1,
         {"pair_target_negative": 0.5, "pair_target_other": 0}),
        ("mse_loss", SOFT, SOFT, {}),
        ("triplet_margin_loss", SOFT, SOFT, None),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_a_loss_is_given(name: str, source: Tensor, target: Tensor, expected: Any) -> None:
    if expected is None:
        watch = Noting()
        Domains(watch).on_loss(name, None, (), {}, source)
        assert watch.numbers == {}
        assert watch.events == []
        return
    watch = given(name, source, target)
    assert {signal: n for (signal, _), n in watch.numbers.items()} == pytest.approx(expected)
    (data,) = [data for kind, data in watch.events if data["argument"] == "input"]
    assert data["shape"] == [2, 2]
    assert data["fn"] == name


def test_numbers_compared_with_a_softmax() -> None:
    watch = Noting()
    source = torch.zeros(2, 2, requires_grad=True).softmax(1)
    loss = F.mse_loss(source, SOFT)
    Domains(watch).on_loss("mse_loss", F.mse_loss, (source, SOFT), {}, loss)
    assert watch.numbers["target_probability_dims", "mse_loss"] == 2
    assert watch.numbers["probability_dims", "mse_loss"] == 3
    assert [data["argument"] for _, data in watch.events] == ["input", "target"]
    assert watch.events[0][1]["over"] == 1
    assert watch.events[0][1]["size"] == 2


def test_settings_are_told() -> None:
    for options, setting in (({"log_target": True}, True), ({"log_target": False}, False)):
        watch = given("kl_div", SOFT.log(), SOFT, reduction="sum", **options)
        assert watch.events[0][1]["setting"] is setting
    assert given("poisson_nll_loss", SOFT, SOFT).events[0][1]["setting"] is True
    assert given("poisson_nll_loss", SOFT, SOFT, log_input=False).events[0][1]["setting"] is False


def test_what_a_distribution_is_built_of() -> None:
    for name, probs, logits, dims in (
        ("Categorical", SOFT, None, 2), ("Categorical", None, SOFT.log(), 0),
        ("Bernoulli", SOFT, None, None), ("Categorical", SOFT.long(), None, None),
        ("gumbel_softmax", None, SOFT, 2),
    ):  # fmt: skip
        watch = Noting()
        Domains(watch).on_distribution(name, probs, logits)
        assert watch.numbers.get(("probability_dims", name)) == dims
        told = probs is None or probs.is_floating_point()
        assert [data["argument"] for _, data in watch.events] == (
            ["logits" if probs is None else "probs"] if told else []
        )


def test_32_calls_of_one_iteration() -> None:
    watch = Noting()
    probe = Domains(watch)
    for _ in range(40):
        probe.on_distribution("Bernoulli", SOFT, None)
    assert len(watch.events) == 32
    probe.iteration_begins()
    probe.on_distribution("Bernoulli", SOFT, None)
    assert len(watch.events) == 33


# -- predictions --------------------------------------------------------------------------------


def predicted(name: str, source: Tensor, target: Tensor) -> dict[str, float]:
    watch = Noting()
    function = getattr(F, name)
    loss = source.sum() * torch.ones((), requires_grad=True)
    Predictions(watch).on_loss(name, function, (source, target), {}, loss)
    return {signal.removeprefix("prediction_"): n for (signal, _), n in watch.numbers.items()}


@pytest.mark.parametrize(
    ("name", "source", "target", "expected"),
    [
        ("cross_entropy", torch.eye(3)[[0, 2, 2, 1]], torch.zeros(4).long(), (0.5, 2, None)),
        ("nll_loss", torch.eye(3)[[0, 2, 2, 2]], torch.zeros(4).long(), (0.75, 2, None)),
        ("cross_entropy", torch.eye(64)[:4], torch.zeros(4).long(), (0.25, 0, None)),
        ("cross_entropy", torch.eye(65)[:4], torch.zeros(4).long(), None),
        ("cross_entropy", torch.ones(4, 2), torch.zeros(4).long(), (1, 0, None)),
        ("cross_entropy", torch.ones(4, 1), torch.zeros(4).long(), None),
        ("cross_entropy", torch.ones(4, 2), torch.ones(4, 2), None),
        ("cross_entropy", torch.ones(4, 2, 3), torch.zeros(4, 3).long(), None),
        ("binary_cross_entropy_with_logits", torch.tensor([1.0, 2.0, 0.2, -1.0]),
         torch.tensor([1.0, 0.0, 0.0, 0.0]), (0.75, 1, 0.25)),
        ("binary_cross_entropy_with_logits", torch.tensor([1.0, -2.0, 0.0, -1.0]),
         torch.tensor([1.0, 1.0, 1.0, 0.0]), (0.75, 0, 0.75)),
        ("binary_cross_entropy", torch.tensor([0.4, 0.6, 0.2, 0.1]),
         torch.tensor([1.0, 1.0, 0.0, 0.0]), (0.75, 0, 0.5)),
        ("binary_cross_entropy", torch.tensor([0.4, 0.6]), torch.tensor([0.0]), None),
        ("cross_entropy", torch.ones(0, 2), torch.zeros(0).long(), None),
    ],
)  # fmt: skip
def test_the_class_that_is_predicted_most(
    name: str, source: Tensor, target: Tensor, expected: Any
) -> None:
    found = predicted(name, source, target)
    if expected is None:
        assert found == {}
        return
    share, label, ones = expected
    assert (found["top_share"], found["top_label"]) == (share, label)
    assert found.get("target_ones_share") == ones


def test_a_loss_without_a_gradient_is_no_training() -> None:
    source, target = torch.eye(3), torch.zeros(3).long()
    for result in (torch.tensor(1.0), None, 1.0):
        watch = Noting()
        Predictions(watch).on_loss("cross_entropy", F.cross_entropy, (source, target), {}, result)
        assert watch.numbers == {}


def test_soft_targets_have_no_share_of_ones() -> None:
    found = predicted("binary_cross_entropy", torch.tensor([0.4, 0.6]), torch.tensor([0.5, 1.0]))
    assert found["target_ones_share"] != found["target_ones_share"]


# -- clipping -----------------------------------------------------------------------------------


def with_gradient(number: float = 1.0) -> torch.nn.Parameter:
    made = torch.nn.Parameter(torch.ones(3))
    made.grad = torch.full((3,), number)
    return made


def test_what_a_call_that_clips_was_given() -> None:
    watch = Noting()
    probe = Clipping(watch)
    one, other = with_gradient(), with_gradient()
    optimizer: Any = torch.optim.SGD([one, other], lr=0.1)

    def clip(*parameters: Any, total: Any = 2.0, limit: float = 1.0) -> None:
        total = torch.tensor(total) if isinstance(total, float) else total

        def by_torch() -> None:
            probe.on_clip("norm", limit, parameters, total)

        by_torch()  # the line of all calls

    def counts() -> tuple[int, ...]:
        made = next(iter(probe._counts.values()))
        return tuple(made[name] for name in ("calls", "used", "empty", "larger"))

    clip(one, other)
    assert counts() == (1, 0, 0, 1)
    probe.on_step_end(optimizer)
    clip(one, other, total=0.5)
    assert counts() == (2, 1, 0, 1)
    one.grad.add_(1).add_(1).add_(1)  # type: ignore[union-attr]
    clip(one, other, total=1.0)
    assert counts() == (3, 1, 0, 1)
    clip(other, total=0.5)
    assert counts() == (4, 2, 0, 1)
    other.grad.add_(1).add_(1)  # type: ignore[union-attr]
    clip(other, total=0.5)
    assert counts() == (5, 3, 0, 1)
    other.grad = torch.ones(3)
    clip(other, total=0.5)
    assert counts() == (6, 3, 0, 1)
    clip(other, total=0.0)
    assert counts() == (7, 3, 1, 1)
    other.grad = None
    clip(other, total=None)
    assert counts() == (8, 3, 2, 1)
    told = [(data["calls"], data["of"], data["limit"]) for _, data in watch.events]
    assert told == [(1, "norm", 1.0), (2, "norm", 1.0), (4, "norm", 1.0), (8, "norm", 1.0)]
    probe.on_step_end(optimizer)
    assert id(other) not in probe._used
    watch.sampling = False
    clip(one)
    assert counts()[0] == 8
