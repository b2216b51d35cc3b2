"""float32-islands against casts written by hand, and what it relies on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from half import InHalf
from suite import WORKLOADS, assert_same, by_hand, differs, in_script, treated
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from assay.seams.loss import NAMES
from assay.tricks.precision.float32_islands import FUNCTIONS, OPERATIONS, UNSAFE

BF16 = torch.bfloat16


class Float32Norm(nn.LayerNorm):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.float())


class Float32BatchNorm(nn.BatchNorm2d):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.float())


class Islands(InHalf):
    """Norms, and what the loss is given, in float32."""

    def model(self, model: nn.Module) -> nn.Module:
        kinds = {nn.LayerNorm: Float32Norm, nn.BatchNorm2d: Float32BatchNorm}
        for part in model.modules():
            part.__class__ = kinds.get(type(part), type(part))
        return model

    def loss(self, output: Any, y: Any) -> Tensor:
        return super().loss(output.float(), y)


# nothing in the tied model is an island: autocast on a CPU computes the cross-entropy in float32
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", [name for name in WORKLOADS if name != "tied"])
def test_equals_casts_by_hand(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Islands())
    tricks = "amp=bf16", "float32-islands"
    assert_same(expected, treated(workload, *tricks, attached=attached))
    assert differs(expected, treated(workload, "amp=bf16", attached=attached))


torch.manual_seed(0)
X, Y, Z = (torch.rand(4, 6) + 0.1 for _ in range(3))
LABELS, SIGNS = torch.tensor([0, 3, 5, 1]), torch.tensor([1.0, -1.0, -1.0, 1.0])
LOGS = torch.randn(12, 4, 6).log_softmax(2)
LENGTHS = torch.full((4,), 12), torch.full((4,), 3)

WITH: dict[str, tuple[Any, ...]] = {
    "softmax": (X, 1), "log_softmax": (X, 1), "logsumexp": (X, 1), "cumsum": (X, 1),
    "layer_norm": (X, (6,), Y[0], Z[0]), "rms_norm": (X, (6,), Y[0]),
    "group_norm": (X, 2, Y[0], Z[0]), "instance_norm": (X[None],),
    "batch_norm": (X, None, None, Y[0], Z[0], True), "cosine_similarity": (X, Y),
}  # fmt: skip
"""Arguments of functions that take more than a tensor."""

LOSSES: dict[str, tuple[Any, ...]] = {
    "cross_entropy": (X, LABELS),
    "nll_loss": (X.log_softmax(1), LABELS),
    "binary_cross_entropy": (X.clamp(0, 1), (Y > 0.5).float()),
    "binary_cross_entropy_with_logits": (X, Y),
    "mse_loss": (X, Y),
    "l1_loss": (X, Y),
    "smooth_l1_loss": (X, Y),
    "huber_loss": (X, Y),
    "kl_div": (X.log_softmax(1), Y.softmax(1), None, None, "batchmean"),
    "ctc_loss": (LOGS, torch.randint(1, 6, (4, 3)), *LENGTHS),
    "poisson_nll_loss": (X, Y),
    "gaussian_nll_loss": (X, Y, Z),
    "linear_cross_entropy": (X, Y, torch.tensor([0, 3, 2, 1])),
    "margin_ranking_loss": (X, Y, SIGNS[:, None]),
    "hinge_embedding_loss": (X, SIGNS[:, None].expand(4, 6)),
    "multilabel_margin_loss": (X, torch.tensor([[1, 4, -1, 0, 0, 0]] * 4)),
    "soft_margin_loss": (X, SIGNS[:, None].expand(4, 6)),
    "multilabel_soft_margin_loss": (X, (Y > 0.5).float()),
    "cosine_embedding_loss": (X, Y, SIGNS),
    "multi_margin_loss": (X, LABELS),
    "triplet_margin_loss": (X, Y, Z),
    "triplet_margin_with_distance_loss": (X, Y, Z),
}
SAFE = [name for name in NAMES if name not in UNSAFE and hasattr(F, name)]
CALLS = [
    *((F, name) for name in FUNCTIONS),
    *((owner, name) for name in OPERATIONS for owner in (torch, Tensor) if hasattr(owner, name)),
    *((F, name) for name in SAFE),
]


def called(part: Any) -> str:
    return part if isinstance(part, str) else part.__name__.rpartition(".")[2]


EACH = pytest.mark.parametrize(("owner", "name"), CALLS, ids=called)


def arguments(owner: Any, name: str, *dtypes: torch.dtype) -> list[Any]:
    """What to call it with: all that holds real numbers goes through these types."""
    given = LOSSES if owner is F and name in LOSSES else WITH
    made = []
    for value in given.get(name, (X,)):
        for dtype in dtypes:
            if isinstance(value, Tensor) and value.is_floating_point():
                value = value.to(dtype)
        made.append(value)
    return made


def computed(owner: Any, name: str, *dtypes: torch.dtype) -> list[Tensor]:
    """A result and the gradient of its first argument."""
    first, *others = arguments(owner, name, *dtypes)
    first = first.detach().requires_grad_()
    result = getattr(owner, name)(first, *others)
    with torch.autocast("cpu", enabled=False):
        return [result.detach(), *torch.autograd.grad(result.sum(), [first])]


def identical(some: list[Tensor], others: list[Tensor]) -> bool:
    return all(a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(some, others, strict=True))


@EACH
def test_autocast_leaves_float32_arguments_alone(owner: Any, name: str) -> None:
    expected = computed(owner, name)
    with torch.autocast("cpu", dtype=BF16):
        assert identical(computed(owner, name), expected)
    assert expected[0].dtype == torch.float32


HARMED = [(F, name) for name in UNSAFE if hasattr(F, name)]
"""Losses that autocast refuses or would compute in half precision: it is switched off for them."""


@pytest.mark.parametrize(("owner", "name"), CALLS + HARMED, ids=called)
def test_half_precision_is_computed_as_its_float32_copy(owner: Any, name: str) -> None:
    with in_script("float32-islands"), torch.autocast("cpu", dtype=BF16):
        found = computed(owner, name, BF16)
    expected = computed(owner, name, BF16, torch.float32)
    assert identical(found, [expected[0], expected[1].to(BF16)])


def test_every_loss_is_among_them() -> None:
    assert LOSSES.keys() == set(NAMES)


class Casts(TorchDispatchMode):
    """Counts casts."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._to_copy.default
        return func(*args, **(kwargs or {}))


@EACH
def test_float32_is_not_cast_at_all(owner: Any, name: str) -> None:
    with in_script("float32-islands"), torch.autocast("cpu", dtype=BF16):
        with Casts() as casts:
            getattr(owner, name)(*arguments(owner, name))
        half = arguments(owner, name, BF16)
        with Casts() as others:
            getattr(owner, name)(*half)
    assert casts.count == 0
    assert others.count > 0


def test_without_half_precision_nothing_changes() -> None:
    assert_same(by_hand("kitchen"), treated("kitchen", "float32-islands"))


def test_a_small_probability_keeps_its_logarithm() -> None:
    with in_script("float32-islands"):
        small = torch.tensor([0.0, 20.0], dtype=torch.float16)
        assert torch.log(torch.softmax(small, 0)).isfinite().all()
        assert torch.log(torch.tensor([6e-8], dtype=torch.float16)).dtype == torch.float32
    assert torch.log(torch.softmax(small, 0)).isinf().any()
