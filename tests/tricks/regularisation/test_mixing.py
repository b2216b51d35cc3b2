"""mixup, cutmix and label-smoothing against loops written by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from suite import (
    WORKLOADS,
    Hand,
    TrickError,
    assert_same,
    attach,
    by_hand,
    differs,
    in_script,
    plain,
    read,
    treated,
)
from torch import nn
from torch.nn import functional as F

ATTACHED = pytest.mark.parametrize("attached", [False, True])
# a new mixture is drawn at each call of a closure, so lbfgs is among them; words can't be mixed
NUMBERS = [name for name in WORKLOADS if name != "tied"]


class Mixed(Hand):
    """Draws a share and partners for each batch, and mixes both."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def batch(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        share = torch.distributions.Beta(self.alpha, self.alpha).sample().item()
        order = torch.randperm(len(x))
        x, share = self.mixed(x, x[order], share)
        own = F.one_hot(y, 10).float()
        return x, (share * own + (1 - share) * own[order], y, y[order], share)

    def mixed(
        self, x: torch.Tensor, other: torch.Tensor, share: float
    ) -> tuple[torch.Tensor, float]:
        return share * x + (1 - share) * other, share

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return F.cross_entropy(output, y[0])


class Pasted(Mixed):
    """As in the authors' `rand_bbox`: the rectangle is clipped, and its true area counts."""

    def mixed(
        self, x: torch.Tensor, other: torch.Tensor, share: float
    ) -> tuple[torch.Tensor, float]:
        side = int(8 * (1 - share) ** 0.5) // 2
        row, column = divmod(torch.randint(64, ()).item(), 8)
        inside = torch.zeros(8, 8, dtype=torch.bool)
        inside[max(row - side, 0) : row + side, max(column - side, 0) : column + side] = True
        return torch.where(inside, other, x), 1 - inside.sum().item() / 64


class Authors(Mixed):
    """`mixup_criterion` of facebookresearch/mixup-cifar10."""

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        _, own, other, share = y
        return share * F.cross_entropy(output, own) + (1 - share) * F.cross_entropy(output, other)


@ATTACHED
@pytest.mark.parametrize("workload", NUMBERS)
def test_mixup_equals_the_loop_by_hand(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Mixed(0.4))
    assert_same(expected, treated(workload, "mixup=0.4", attached=attached))
    assert differs(expected, plain(workload))


@ATTACHED
@pytest.mark.usefixtures("on_images")
@pytest.mark.parametrize("workload", NUMBERS)
def test_cutmix_equals_the_loop_by_hand(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Pasted(1.0))
    assert_same(expected, treated(workload, "cutmix=1.0", attached=attached))
    assert differs(expected, plain(workload))


@pytest.mark.parametrize("workload", ["plain", "accumulated", "closure"])
def test_mixup_equals_the_loss_of_its_authors(workload: str) -> None:
    assert_same(by_hand(workload, Authors(1.0)), treated(workload, "mixup=1.0"), tolerance=1e-5)


class Shown(nn.Module):
    """Keeps what it is given; sample i is an image of the value i, and its class is i."""

    def __init__(self, size: int = 16) -> None:
        super().__init__()
        self.output = nn.Parameter(torch.zeros(size, size))
        self.images = torch.arange(size).float()[:, None, None, None].expand(size, 1, 6, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = x
        return self.output + 0

    def targets(self, labels: torch.Tensor | None = None, **settings: Any) -> torch.Tensor:
        """The class probabilities of one training loss, from its gradient."""
        self.output.grad = None
        given = torch.arange(len(self.output)) if labels is None else labels
        F.cross_entropy(self(self.images), given, reduction="sum", **settings).backward()
        assert self.output.grad is not None
        return self.output.softmax(1).detach() - self.output.grad


def test_the_label_share_of_cutmix_is_the_area() -> None:
    torch.manual_seed(0)
    shares, clipped = set(), 0
    with in_script("cutmix"):
        model = Shown()
        for _ in range(40):
            soft = model.targets()
            counts = torch.stack([(model.seen == i).float().mean((1, 2, 3)) for i in range(16)], 1)
            torch.testing.assert_close(soft, counts, rtol=0, atol=1e-6)
            shares.add(round(float(soft.diag().min()), 4))
            pasted = (model.seen != model.images).any(0)[0]
            clipped += bool(pasted[0].any() or pasted[-1].any())
    assert len(shares) > 10
    assert clipped > 5


def test_the_label_share_of_mixup_is_the_weight() -> None:
    torch.manual_seed(0)
    with in_script("mixup=1.0"):
        model = Shown()
        soft = model.targets()
    values = soft @ torch.arange(16.0)
    torch.testing.assert_close(model.seen[:, 0, 0, 0], values)
    assert 0 < float(soft.diag().min()) < 1


@pytest.mark.parametrize("trick", ["mixup", "cutmix"])
def test_evaluations_see_the_data_as_they_are(trick: str) -> None:
    labels = torch.arange(16)
    with in_script(trick):
        model = Shown()
        model.targets()
        state = torch.get_rng_state()
        with torch.no_grad():  # in training mode
            assert F.cross_entropy(model(model.images), labels) == F.cross_entropy(
                model.output, labels
            )
            assert model.seen is model.images
        model.eval()  # with gradients on
        assert torch.equal(model.targets().round(decimals=5), torch.eye(16))
        assert model.seen is model.images
        assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("attached", [False, True])
def test_a_teacher_called_before_the_loss_leaves_the_labels_mixed(attached: bool) -> None:
    model, teacher = Shown(), nn.Linear(10, 2).eval()
    with attach([read("mixup=1.0")], [model]) if attached else in_script("mixup=1.0"):
        output = model(model.images)
        with torch.no_grad():
            teacher(model.images)
        F.cross_entropy(output, torch.arange(16), reduction="sum").backward()
    assert model.output.grad is not None
    assert bool(((model.output.softmax(1) - model.output.grad).diag() < 0.99).any())


LOSSES = {
    "mse": lambda out, y: F.mse_loss(out, F.one_hot(y, 16).float()),
    "likelihood": lambda out, y: F.nll_loss(out.log_softmax(1), y),
    "soft": lambda out, y: F.cross_entropy(out, F.one_hot(y, 16).float()),
    "per pixel": lambda out, y: F.cross_entropy(out[..., None], y[:, None]),
}


@pytest.mark.parametrize("trick", ["mixup", "cutmix"])
@pytest.mark.parametrize("loss", LOSSES)
def test_other_losses_are_refused(loss: str, trick: str) -> None:
    with in_script(trick):
        model = Shown()
        output = model(model.images)
        with pytest.raises(TrickError, match="is no cross-entropy of one class per sample"):
            LOSSES[loss](output, torch.arange(16))


def test_what_can_not_be_mixed_is_refused() -> None:
    with pytest.raises(TrickError, match=r"trick mixup: .* no floating-point batch"):
        treated("tied", "mixup")
    with pytest.raises(TrickError, match=r"trick cutmix: .* not N, C, H, W"):
        treated("plain", "cutmix")


# -- label smoothing ---------------------------------------------------------------------------


class Smoothed(Hand):
    """The mixture of the label and the uniform distribution, as probabilities."""

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return F.cross_entropy(output, y, label_smoothing=0.2)


@ATTACHED
@pytest.mark.parametrize("workload", WORKLOADS)
def test_smoothing_equals_the_argument(workload: str, attached: bool) -> None:
    expected = by_hand(workload, Smoothed())
    assert_same(expected, treated(workload, "label-smoothing=0.2", attached=attached))
    assert differs(expected, plain(workload))


def test_the_true_class_gets_its_part_of_the_uniform_distribution() -> None:
    with in_script("label-smoothing=0.2"):
        soft = Shown(4).targets()
    torch.testing.assert_close(soft, torch.full((4, 4), 0.05) + 0.8 * torch.eye(4))


def test_soft_targets_and_ignored_ones_are_smoothed_as_torch_does() -> None:
    labels = torch.tensor([0, 1, -1, 3])
    probabilities = torch.rand(4, 4).softmax(1)
    with in_script("label-smoothing=0.2"):
        ignored = Shown(4).targets(labels, ignore_index=-1)
        soft = Shown(4).targets(probabilities)
    expected = torch.full((4, 4), 0.05) + 0.8 * torch.eye(4)
    expected[2] = 0.25  # no gradient: what softmax says
    torch.testing.assert_close(ignored, expected)
    torch.testing.assert_close(soft, 0.05 + 0.8 * probabilities)


def test_evaluations_and_other_losses_are_not_smoothed() -> None:
    output, y = torch.randn(4, 4, requires_grad=True), torch.arange(4)
    expected = F.cross_entropy(output, y), F.nll_loss(output.log_softmax(1), y)
    with in_script("label-smoothing"):
        with torch.no_grad():
            assert F.cross_entropy(output, y) == expected[0]
        assert F.cross_entropy(output, y) != expected[0]
        assert F.nll_loss(output.log_softmax(1), y) == expected[1]


def test_smoothing_in_the_script_is_refused() -> None:
    output, y = torch.randn(4, 4, requires_grad=True), torch.arange(4)
    places = None, None, -100, None, "mean"
    none = F.cross_entropy(output, y, *places, 0.0)
    with in_script("label-smoothing"):
        assert F.cross_entropy(output, y, *places, 0.0) != none
        for smooth in (
            nn.CrossEntropyLoss(label_smoothing=0.1),
            lambda output, y: F.cross_entropy(output, y, *places, 0.1),
        ):
            with pytest.raises(TrickError, match="the script smooths its labels already"):
                smooth(output, y)
            with torch.no_grad():
                smooth(output, y)


def test_mixed_labels_are_smoothed_once_more() -> None:
    class Both(Mixed):
        def loss(self, output: Any, y: Any) -> torch.Tensor:
            return F.cross_entropy(output, y[0], label_smoothing=0.2)

    expected = by_hand("plain", Both(1.0))
    assert_same(expected, treated("plain", "label-smoothing=0.2", "mixup=1.0"))
    assert differs(expected, treated("plain", "mixup=1.0"))
