"""Signs and factors of the terms of a loss, read off its graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.probes.loss import loss_graph, loss_weights
from assay.probes.loss.loss_graph import LossGraph
from assay.watching.graph import operation

from .noting import Noting

X = torch.tensor([0.5, -1.0, 2.0, 4.0])
Y = torch.tensor([1.0, 1.0, 0.0, 3.0])
MASK = torch.tensor([1.0, 0.0, 1.0, 1.0])


def leaf() -> Tensor:
    return X.clone().requires_grad_() * 1.0


@pytest.mark.parametrize(
    ("made", "factors"),
    [
        (lambda x: x.sum(), [1]),
        (lambda x: x.mean(), [1]),
        (lambda x: x[:2], [1]),
        (lambda x: x.view(2, 2), [1]),
        (lambda x: -x, [-1]),
        (lambda x: 1 - x, [-1]),
        (lambda x: x + x.exp(), [1, 1]),
        (lambda x: x - x.exp(), [1, -1]),
        (lambda x: 3 * x, [3, 3]),
        (lambda x: x * -0.5, [-0.5, -0.5]),
        (lambda x: x / 2, [2, 2]),
        (lambda x: x / torch.tensor(-4.0), [-4, -4]),
        (lambda x: x * torch.tensor(-4.0), [-4, -4]),
        (lambda x: x * MASK, [1, 1]),
        (lambda x: x * (MASK / 2), [1, 1]),
        (lambda x: x * (2 * MASK), None),
        (lambda x: x * (MASK - 0.5), None),
        (lambda x: x * (0 * MASK), None),
        (lambda x: x / MASK, None),
        (lambda x: x / (MASK + 7), [1, 1]),
        (lambda x: x / (MASK - 7), None),
        (lambda x: x * x.exp(), None),
        (lambda x: x * 0.0, None),
        (lambda x: x.exp(), None),
        (lambda x: torch.stack([x, x.exp()]), [1, 1]),
    ],
)
def test_what_operands_are_multiplied_with(made: Callable[[Tensor], Tensor], factors: Any) -> None:
    node = made(leaf()).grad_fn
    assert loss_graph._factors(node, operation(node)) == factors


def test_masks_of_many_elements_are_not_looked_at() -> None:
    for count, factor in ((65_536, 1.0), (65_537, 0.0)):
        x = torch.ones(count, requires_grad=True)
        assert loss_graph._factor((x * torch.ones(count)).grad_fn) == factor


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda x: x.sigmoid().log(), True),
        (lambda x: (x.sigmoid() + 1e-9).log(), True),
        (lambda x: (1 - x.sigmoid()).log(), True),
        (lambda x: x.softmax(0).clamp(1e-9)[1].log(), True),
        (lambda x: x.exp().log(), False),
        (lambda x: (x.sigmoid() + x).log(), False),
        (lambda x: (x.sigmoid() * 2).log(), False),
        (lambda x: x.sigmoid().view(2, 2).view(4).view(2, 2).view(4).view(2, 2).view(4).view(2, 2)
         .log(), True),
        (lambda x: x.sigmoid().view(2, 2).view(4).view(2, 2).view(4).view(2, 2).view(4).view(2, 2)
         .view(4).log(), False),
    ],
)  # fmt: skip
def test_logarithms_of_probabilities(made: Callable[[Tensor], Tensor], expected: bool) -> None:
    assert loss_graph._of_probabilities(made(leaf()).grad_fn) is expected


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda x: (x - Y) ** 2, True),
        (lambda x: (Y - x) ** 2, True),
        (lambda x: (x - Y).view(2, 2) ** 2, True),
        (lambda x: (x - x.exp()) ** 2, False),
        (lambda x: (x + Y) ** 2, False),
        (lambda x: (1 - x) ** 2, False),
        (lambda x: x.exp() ** 2, False),
    ],
)
def test_squares_of_a_difference(made: Callable[[Tensor], Tensor], expected: bool) -> None:
    assert loss_graph._is_difference(made(leaf()).grad_fn) is expected


def probe() -> tuple[LossGraph, Noting]:
    watch = Noting()
    return LossGraph(watch), watch


def mse(made: LossGraph, x: Tensor) -> Tensor:
    loss = F.mse_loss(x, Y)
    made.on_loss("mse_loss", F.mse_loss, (x, Y), {}, loss)
    return loss


WEIGHT = torch.ones(3, requires_grad=True)


@pytest.mark.parametrize(
    ("root", "signs", "terms"),
    [
        (lambda m, x: mse(m, x), {"mse_loss": 1}, 1),
        (lambda m, x: -mse(m, x), {"mse_loss": -1}, 1),
        (lambda m, x: mse(m, x).neg().neg(), {"mse_loss": 1}, 1),
        (lambda m, x: 1 - mse(m, x), {"mse_loss": -1}, 1),
        (lambda m, x: x.exp().sum() - mse(m, x), {"mse_loss": -1}, 2),
        (lambda m, x: mse(m, x) * -3, {"mse_loss": -1}, 1),
        (lambda m, x: mse(m, x) / -3, {"mse_loss": -1}, 1),
        (lambda m, x: mse(m, x) + WEIGHT.norm(), {"mse_loss": 1}, 1),
        (lambda m, x: mse(m, x) + WEIGHT.exp().norm(), {"mse_loss": 1}, 2),
        (lambda m, x: mse(m, x) * x.exp().sum(), {}, 1),
        (lambda m, x: ((x - Y) ** 2).mean(), {"squared_error": 1}, 1),
        (lambda m, x: -((x - Y) ** 2).mean(), {"squared_error": -1}, 1),
        (lambda m, x: -2 * ((x - Y) ** 2).mean(), {}, 1),
        (lambda m, x: -1 * ((x - Y) ** 2).mean(), {"squared_error": -1}, 1),
        (lambda m, x: ((x - Y) ** 3).mean(), {}, 1),
        (lambda m, x: x.log_softmax(0)[1], {"log_likelihood": -1}, 1),
        (lambda m, x: -x.log_softmax(0)[1], {"log_likelihood": 1}, 1),
        (lambda m, x: -F.logsigmoid(x).mean(), {"log_likelihood": 1}, 1),
        (lambda m, x: x.sigmoid().log().mean(), {"log_likelihood": -1}, 1),
        (lambda m, x: x.exp().log().mean(), {}, 1),
    ],
)
def test_signs_of_terms(root: Any, signs: dict[str, float], terms: int) -> None:
    made, watch = probe()
    made.on_backward_begin(root(made, leaf()), kept=False)
    found = {place: n for (name, place), n in watch.numbers.items() if name == "loss_sign"}
    assert found == signs
    assert watch.numbers["loss_terms", ""] == terms
    raised = [data["place"].split()[0] for kind, data in watch.events if kind == "loss_raised"]
    assert raised == [place for place, sign in signs.items() if sign < 0]


def test_the_line_that_gave_the_minus() -> None:
    for root, name in (
        (lambda m, x: -(2 * mse(m, x)), "NegBackward0"),
        (lambda m, x: 5 + (1 - mse(m, x)), "RsubBackward1"),
        (lambda m, x: -(3 - (-mse(m, x))), "NegBackward0"),
        (lambda m, x: x.log_softmax(0)[1], "SelectBackward0"),
    ):
        made, watch = probe()
        made.on_backward_begin(root(made, leaf()), kept=False)
        ((_, data),) = [each for each in watch.events if each[0] == "loss_raised"]
        assert data["line"][2] == name


def test_a_likelihood_of_data_and_what_a_model_has_drawn() -> None:
    for value, signs in ((Y, {"log_likelihood": -1.0}), (leaf(), {})):
        made, watch = probe()
        x = leaf()
        result = x.exp()
        made.on_log_probability(value, result)
        made.on_backward_begin(result.sum(), kept=False)
        found = {place: n for (name, place), n in watch.numbers.items() if name == "loss_sign"}
        assert found == signs
    made, watch = probe()
    made.on_log_probability(Y, Y)
    assert not made._likelihoods


def test_calls_of_an_earlier_iteration_say_nothing() -> None:
    made, watch = probe()
    x = leaf()
    loss = mse(made, x)
    made.iteration_begins()
    made.on_backward_begin(-loss, kept=False)
    assert ("loss_sign", "mse_loss") not in watch.numbers


def ends(name: str, function: Any, source: Tensor, target: Tensor) -> Noting:
    made, watch = probe()
    loss = function(source, target)
    made.on_loss(name, function, (source, target), {}, loss)
    made.on_backward_begin(loss, kept=False)
    return watch


@pytest.mark.parametrize(
    ("name", "function", "make", "target", "activation", "outside"),
    [
        ("mse_loss", F.mse_loss, lambda x: x.relu(), Y - 2, "Relu", 0.75),
        ("mse_loss", F.mse_loss, lambda x: x.sigmoid(), Y, "Sigmoid", 0.25),
        ("mse_loss", F.mse_loss, lambda x: x.tanh(), -Y, "Tanh", 0.25),
        ("l1_loss", F.l1_loss, lambda x: F.softplus(x).view(4), Y, "Softplus", 0.0),
        ("mse_loss", F.mse_loss, lambda x: x.exp()[:], Y, "Exp", 0.0),
        ("mse_loss", F.mse_loss, lambda x: x * 2, Y, None, None),
        ("mse_loss", F.mse_loss, lambda x: x.relu() + 0, Y, None, None),
        ("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits,
         lambda x: x.relu(), MASK, "Relu", None),
        ("binary_cross_entropy", F.binary_cross_entropy, lambda x: x.sigmoid(), MASK, None, None),
        ("binary_cross_entropy", F.binary_cross_entropy, lambda x: x.tanh().sigmoid(), MASK,
         "Tanh", None),
        ("binary_cross_entropy", F.binary_cross_entropy, lambda x: x.abs().tanh(), MASK, None,
         None),
        ("kl_div", F.kl_div, lambda x: x.relu(), MASK, None, None),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_activations_right_before_a_loss(
    name: str, function: Any, make: Any, target: Tensor, activation: str | None, outside: Any
) -> None:
    watch = ends(name, function, make(leaf()), target)
    found = [data for kind, data in watch.events if kind == "loss_activation"]
    assert [data["activation"] for data in found] == ([activation] if activation else [])
    assert watch.numbers.get(("target_unreachable_share", name)) == outside
    if activation:
        assert found[0]["fn"] == name
        assert found[0]["module"] is None


def test_prediction_and_target_the_other_way_round() -> None:
    watch = ends("mse_loss", F.mse_loss, Y, leaf().sigmoid())
    assert watch.numbers["target_unreachable_share", "mse_loss"] == 0.25
    both = ends("mse_loss", F.mse_loss, leaf().relu(), leaf().sigmoid())
    assert ("target_unreachable_share", "mse_loss") not in both.numbers
    assert [kind for kind, _ in both.events] == []


def test_the_module_of_an_activation_is_named() -> None:
    made, watch = probe()
    for module in (nn.ReLU(), nn.Linear(4, 4)):
        result = module(leaf())
        made.on_module_end(module, (), result)
    assert len(made._made) == 1
    made.on_module_end(nn.ReLU(), (), None)
    made.on_module_end(nn.ReLU(), (), Y.relu())
    assert len(made._made) == 1
    relu = nn.ReLU()
    result = relu(leaf())
    made.on_module_end(relu, (), result)
    loss = F.mse_loss(result, Y)
    made.on_loss("mse_loss", F.mse_loss, (result, Y), {}, loss)
    made.on_backward_begin(loss, kept=False)
    (data,) = [data for kind, data in watch.events if kind == "loss_activation"]
    assert data["module"] == "a module"


@pytest.mark.parametrize("bias", [True, False])
def test_the_weight_before_a_loss(bias: bool) -> None:
    layer = nn.Linear(4, 4, bias=bias)
    x = torch.ones(1, 4)
    for made, told in ((layer(x).view(4), 1), (layer(x).view(4).relu(), 0), (leaf(), 0)):
        watch = ends("mse_loss", F.mse_loss, made, Y)
        heads = [data for kind, data in watch.events if kind == "loss_head"]
        assert [data["parameter"] for data in heads] == ["a parameter"] * told


# -- terms of a mean beside a sum ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "plain"),
    [(0.5, True), (1.0, True), (-0.5, True), (-1.0, True), (0.49, False), (1.01, False),
     (torch.tensor(0.5), True), (torch.tensor([0.5, 0.5, 0.5, 0.5]), False),
     (torch.tensor(0.5, requires_grad=True), False)],
)  # fmt: skip
def test_between_a_half_and_one(factor: Any, plain: bool) -> None:
    assert loss_weights._half_or_whole((leaf() * factor).grad_fn) is plain


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (lambda x: x.exp() + x.log(), ["Exp", "Log"]),
        (lambda x: x.exp() - x.log() + x.sin(), ["Exp", "Log", "Sin"]),
        (lambda x: -0.5 * x.exp(), ["Exp"]),
        (lambda x: -(0.3 * x.exp()), ["Mul"]),
        (lambda x: x.exp() / 2, ["Div"]),
    ],
)
def test_terms_of_a_plain_sum(made: Callable[[Tensor], Tensor], names: list[str]) -> None:
    found = loss_weights._terms(made(leaf()).grad_fn, set())
    kinds = sorted(operation(node) for node in found if "Accumulate" not in node.name())
    assert kinds == names
    whole = (leaf().exp() + 1).grad_fn
    assert list(loss_weights._terms(whole, {whole})) == [whole]


def test_terms_are_looked_at_up_to_a_bound() -> None:
    for count, found in ((31, ["Exp"]), (32, [])):
        total = leaf().exp()
        for _ in range(count):
            total = total + 1
        terms = loss_weights._terms(total.grad_fn, set())
        assert [operation(node) for node in terms] == found


@pytest.mark.parametrize(
    ("made", "shape"),
    [
        (lambda x: x.view(2, 2).exp().sum(), ((2, 2), 1)),
        (lambda x: (1 + x.exp()).log().sum(), ((4,), 1)),
        (lambda x: x.expm1().sum(), ((4,), 1)),
        (lambda x: x.exp().sum() / 4, ((4,), 4)),
        (lambda x: x.view(2, 2).exp().sum(1).mean(), ((2, 2), 2)),
        (lambda x: (x.view(2, 2).exp().sum(1) * -0.5).mean(), ((2, 2), 2)),
        (lambda x: x.square().sum(), ((), 0)),
        (lambda x: x.exp().mean(), ((), 0)),
        (lambda x: x.exp().sum() / 2.5, ((), 0)),
        (lambda x: x.view(2, 2).exp().sum(1), ((), 0)),
    ],
)
def test_what_a_divergence_is_summed_over(made: Callable[[Tensor], Tensor], shape: Any) -> None:
    assert loss_weights._summed(made(leaf()).grad_fn) == shape
