"""The trick `balance-classes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage


class BalanceClasses(Trick):
    """Weights the loss of each class by how rare it is.

    ## What it does
    Counts the labels that training losses have seen so far and gives cross-entropy class weights,
    or binary cross-entropy a `pos_weight`, from the counts. Losses of evaluations stay as they
    are.

    ## Formula
    `w_c = (N / (C n_c)) ^ value` with n_c labels of class c among N seen, classes not seen yet
    counted as 1; binary: `pos_weight = (negatives / positives) ^ value`. Source: King and Zeng
    2001, "Logistic Regression in Rare Events Data", section 4.2 (value 1).

    ## When
    A class makes up a small part of the data and is never predicted. `0.5` is a milder choice.

    ## Cost
    Counting the labels of each batch.

    ## Conflicts and order
    Refused where the script has class weights of its own. The mean divides by the sum of the
    weights, as `accumulate` does.

    ## Common mistakes
    Balancing the test data, too: the loss then says nothing of the real frequencies.
    """

    name = "balance-classes"
    family = "data"
    changes_loss = "training"
    changes_shares = True
    by_hand = (
        "count the classes of your training data and give the loss weight=total / (classes * count)"
    )
    exponent: float = value(default=1.0, low=0, high=1, open_low=True, help="exponent, 0 to 1")

    def __post_init__(self) -> None:
        self._counts: Tensor | None = None

    def attach_to(self, stage: Stage) -> None:
        """Adds weights before the loss is computed."""
        import torch

        def weigh(given: Any, name: str) -> Any:
            args, kwargs = given
            if not torch.is_grad_enabled():
                return given
            binary = name == "binary_cross_entropy_with_logits"
            if not binary and name not in ("cross_entropy", "nll_loss"):
                stage.refuse(self.name, f"{name} has no classes")
            key = "pos_weight" if binary else "weight"
            if len(args) > 2 or kwargs.get(key) is not None:
                stage.refuse(self.name, "the script weights its classes already")
            x = args[0] if args else kwargs["input"]
            target = args[1] if len(args) > 1 else kwargs["target"]
            if not binary and target.is_floating_point():
                stage.refuse(self.name, "targets are probabilities, not classes")
            left_out = kwargs.get("ignore_index", -100)
            weights = self._weights(x, target, left_out, binary=binary)
            return args, {**kwargs, key: weights.to(x.dtype)}

        stage.change("loss", weigh)

    def _weights(self, x: Tensor, target: Tensor, left_out: int, *, binary: bool) -> Tensor:
        import torch

        if binary:
            positive = (target > 0.5).sum().double()
            seen = torch.stack([target.numel() - positive, positive])
        else:
            seen = self._seen(target.flatten(), x.shape[1 if x.dim() > 1 else 0], left_out)
        self._counts = seen if self._counts is None else self._counts + seen
        counts = self._counts.clamp_min(1)
        balance = counts[0] / counts[1] if binary else counts.sum() / (counts.numel() * counts)
        return balance if self.exponent == 1 else torch.pow(balance, self.exponent)

    @staticmethod
    def _seen(labels: Tensor, classes: int, left_out: int) -> Tensor:
        import torch

        try:
            seen = torch.bincount(labels, minlength=classes).double()
        except RuntimeError:  # negative ones, which are left out of the loss
            seen = torch.bincount(labels[labels >= 0], minlength=classes).double()
        if 0 <= left_out < len(seen):
            seen[left_out] = 0
        return seen[:classes]

    def state_dict(self) -> dict[str, Any]:
        """Returns the counts."""
        return {"counts": self._counts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on counting."""
        self._counts = state["counts"]
