"""The trick `norm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from .surgery import hidden_activations, leaves, put_back, replace

if TYPE_CHECKING:
    from ..stage import Stage


class Norm(Trick):
    """Puts a normalisation that does not depend on the batch in the place of BatchNorm.

    ## What it does
    Before the optimizer is built, each BatchNorm is replaced by the norm of the same width; in a
    model without one, `insert=yes` puts the norm before each hidden activation of a Sequential.

    ## Formula
    LayerNorm `(x - mean) / sqrt(var + eps)` over the features of one sample, times a weight plus a
    bias; RMSNorm `x / sqrt(mean(x^2) + eps)` times a weight; GroupNorm as LayerNorm within groups
    of channels. Sources: Ba et al. 2016; Zhang and Sennrich 2019; Wu and He 2018.

    ## When
    Batches of fewer than about 8 samples, whose statistics are noise; recurrent nets and
    transformers. `layer` on images is GroupNorm with one group.

    ## Cost
    About that of BatchNorm.

    ## Conflicts and order
    Before `init` and before the optimizer is built. It undoes pretrained running statistics.

    ## Common mistakes
    RMSNorm's eps: torch's default is 1.2e-7, that of T5 and Llama 1e-6; at inputs of 1e-3 the
    result is 0.945 against 0.707 (measured). Here it is 1e-6 unless given.
    """

    name = "norm"
    family = "model"
    kind: str = value(choices=("layer", "rms", "group"), help="new norm")
    groups: int = option(default=8, low=1, help="groups of channels, for group")
    eps: float = option(default=0.0, low=0, help="0 means the norm's usual one")
    insert: bool = option(default=False, help="insert where there is no BatchNorm")

    def attach_to(self, stage: Stage) -> None:
        """Exchanges or inserts the norms of each model."""
        replaced: list[tuple[Any, str, Any]] = []

        def exchange(model: Any) -> None:
            from torch.nn.modules.batchnorm import _BatchNorm

            held = {id(p) for o in stage.optimizers for g in o.param_groups for p in g["params"]}
            if any(id(p) in held for p in model.parameters()):
                stage.refuse(self.name, "the optimizer has the old norms: attach it before that")
            before = len(replaced)
            made: dict[Any, Any] = {}
            for parent, name, old in list(leaves(model)):
                if isinstance(old, _BatchNorm):
                    if old not in made:  # one that stands in several places stays one
                        flat = type(old).__name__ == "BatchNorm1d"
                        made[old] = self._make(old.num_features, flat=flat, stage=stage)
                    device = next(old.parameters(), None)
                    new = made[old]
                    replace(parent, name, new if device is None else new.to(device.device), old)
                    replaced.append((parent, name, old))
            if len(replaced) == before and self.insert:
                self._insert(model, stage, replaced)
            if len(replaced) == before:
                hint = "no BatchNorm to exchange; insert=yes puts norms into a Sequential"
                stage.refuse(self.name, f"{type(model).__name__} has {hint}")
            stage.note("norms", count=len(replaced) - before)

        stage.patches.on_undo(lambda: put_back(replaced))
        stage.each_model(exchange)

    def _make(self, width: int, *, flat: bool, stage: Stage) -> Any:
        from torch import nn

        kind, eps = self.kind, self.eps
        if kind == "rms":
            if not flat:
                stage.refuse(self.name, "rms is for vectors; use layer or group on images")
            return nn.RMSNorm(width, eps=eps or 1e-6)
        if kind == "layer":
            return nn.LayerNorm(width, eps or 1e-5) if flat else nn.GroupNorm(1, width, eps or 1e-5)
        groups = next(g for g in range(min(self.groups, width), 0, -1) if width % g == 0)
        return nn.GroupNorm(groups, width, eps or 1e-5)

    def _insert(self, model: Any, stage: Stage, replaced: list[tuple[Any, str, Any]]) -> None:
        from torch import nn

        from .surgery import ACTIVATIONS

        for parent, name, old in hidden_activations(model, ACTIVATIONS):
            if not isinstance(parent, nn.Sequential):
                continue
            earlier = list(parent._modules.values())[: list(parent._modules).index(name)]
            layer = next((m for m in reversed(earlier) if hasattr(m, "weight")), None)
            width = getattr(layer, "out_features", None) or getattr(layer, "out_channels", None)
            if layer is None or width is None:
                continue
            norm = self._make(width, flat=isinstance(layer, nn.Linear), stage=stage)
            replace(parent, name, nn.Sequential(norm.to(layer.weight.device), old), old)
            replaced.append((parent, name, old))
