"""The trick `weight-decay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from .owners import Owners
from .partition import Partition

if TYPE_CHECKING:
    from ..stage import Stage


class WeightDecay(Trick):
    """Pulls weights towards 0 at each step, and spares biases, norms and embeddings.

    ## What it does
    Matrices and kernels decay; a parameter with fewer than two dimensions, one called bias, and all
    that normalisation layers and embeddings own do not. What decides is the module that owns it,
    not its name. A tensor shared by an embedding and an output layer decays. `exempt=no` decays
    all, `embeddings=yes` embeddings too. The script's own decay is replaced.

    ## Formula
    Decoupled (the default): `theta <- (1 - lr lambda) theta`, then the optimizer's step. Loshchilov
    and Hutter 2019, "Decoupled Weight Decay Regularization". `kind=l2`: `g <- g + lambda theta`.
    The decay per step is lr times lambda: a schedule of the rate is one of the decay too.

    ## When
    The held-out loss rises while the training loss falls; long runs. 0.01 to 0.1 for AdamW, 1e-4 to
    5e-4 (`kind=l2`) for SGD.

    ## Cost
    One multiplication of the weights; groups are divided in two for the length of a step.

    ## Conflicts and order
    After `optimizer`. The script's groups and checkpoints keep their form.

    ## Common mistakes
    `g + lambda theta` before Adam is called AdamW in many texts: there the decay is divided by the
    size of the gradients, so weights with large ones hardly decay. `theta - lambda theta` without
    the rate is a third thing. A rule by names (`LayerNorm`, `bias`) decays `bn1.weight`.
    """

    name = "weight-decay"
    family = "optimizer"
    decay: float = value(low=0, help="lambda, such as 0.01")
    kind: str = option(default="decoupled", choices=("decoupled", "l2"), help="which form")
    exempt: bool = option(default=True, help="spare biases, norms and embeddings")
    embeddings: bool = option(default=False, help="decay embeddings")

    def attach_to(self, stage: Stage) -> None:
        """Divides groups into what decays and what does not."""
        owners = Owners(stage)
        decay, decoupled = self.decay, self.kind == "decoupled"

        def decays(optimizer: Any, p: Any) -> bool:
            return not self.exempt or self._is_weight(p, owners.of(p))

        def settle(optimizer: Any, group: dict[str, Any], decaying: Any) -> None:
            used = decay if decaying else 0.0
            own = _own_kind(optimizer, group)
            if "decoupled_weight_decay" in group:
                group["decoupled_weight_decay"] = decoupled
            elif own != self.kind:
                if not decoupled:
                    what = type(optimizer).__name__
                    stage.refuse(self.name, f"{what} has no kind=l2")
                if "weight_decay" in group:
                    group["weight_decay"] = 0.0
                _shrink(optimizer, group, used)
                return
            group["weight_decay"] = used

        Partition.divide(stage, decays, settle)

    def _is_weight(self, p: Any, owners: list[tuple[Any, str]]) -> bool:
        if not owners:
            return bool(p.dim() >= 2)
        return any(self._decays_in(p, module, name) for module, name in owners)

    def _decays_in(self, p: Any, module: Any, name: str) -> bool:
        import torch

        if isinstance(module, (torch.nn.Embedding, torch.nn.EmbeddingBag)):
            return bool(self.embeddings)
        is_norm = "norm" in type(module).__name__.lower()  # whoever wrote it: RMSNorm, BatchNorm2d
        return p.dim() >= 2 and not is_norm and not name.endswith("bias")


def _own_kind(optimizer: Any, group: dict[str, Any]) -> str:
    """Says what the optimizer itself makes of `weight_decay`."""
    if "weight_decay" not in group:
        return "none"
    family = {kind.__name__ for kind in type(optimizer).__mro__}
    decoupled = {"AdamW", "Adafactor", "Muon", "ScheduleFreeSgd", "ScheduleFreeAdamw"}
    return "decoupled" if family & decoupled else "l2"


def _shrink(optimizer: Any, group: dict[str, Any], decay: float) -> None:
    import torch

    held = [p for p in group["params"] if p.grad is not None]
    found = getattr(optimizer, "found_inf", None)  # a fused step that may leave itself out
    if held and decay and not (found is not None and bool(found)):
        with torch.no_grad():
            torch._foreach_mul_(held, 1 - float(group["lr"]) * decay)
