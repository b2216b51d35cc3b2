"""The trick `layer-decay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value
from .owners import Owners
from .partition import Partition

if TYPE_CHECKING:
    from ..stage import Stage


class LayerDecay(Trick):
    """Gives lower layers a smaller learning rate, each by the same factor below the next.

    ## What it does
    The last layer keeps the rate; each layer below has it times the factor once more. The layers
    are the blocks of the model's longest stack (a Sequential or ModuleList); what is defined before
    the stack is one layer below it, what comes after is the top. A model without a stack is cut at
    its direct children.

    ## Formula
    `lr_l = lr * factor^(L - l)` for layer l of 0 to L. Howard and Ruder 2018, "Universal Language
    Model Fine-tuning" (factor 1/2.6 by layer group); Clark et al. 2020, ELECTRA; Bao et al. 2022,
    BEiT (0.65 to 0.9 per block).

    ## When
    Fine-tuning: lower layers hold what is general and should change little.

    ## Cost
    Groups are divided by layer for the length of a step: more, smaller kernels.

    ## Conflicts and order
    Scales what `lr`, `schedule` and `warmup` have set. The rate shown for a group is that of its
    top layer.

    ## Common mistakes
    Writing the factor into the groups as `lr_scale`: only timm's own schedulers read it, torch's do
    not, and nothing happens.
    """

    name = "layer-decay"
    family = "optimizer"
    decay: float = value(low=0, high=1, open_low=True, help="per layer")

    def attach_to(self, stage: Stage) -> None:
        """Divides groups by depth."""
        owners = Owners(stage)
        self.depths: dict[int, int] = {}
        below: dict[int, int] = {}

        def layer(optimizer: Any, p: Any) -> int:
            if id(p) not in self.depths:
                held = [q for group in optimizer.param_groups for q in group["params"]]
                root = owners.root(held)
                depths = depths_of(root) if root is not None else {}
                top = max(depths.values(), default=0)
                if top == 0:
                    stage.refuse(self.name, "no model with layers on top of each other was found")
                self.depths.update(depths)
                below.update({key: top - depth for key, depth in depths.items()})
            return below.get(id(p), 0)

        def settle(optimizer: Any, group: dict[str, Any], steps_down: Any) -> None:
            if "lr" in group:
                group["lr"] = group["lr"] * self.decay**steps_down

        Partition.divide(stage, layer, settle)


def depths_of(root: Any) -> dict[int, int]:
    """Returns each parameter's layer, by its id, counted from 0 at the bottom."""
    import torch

    stack: list[Any] = []
    for module in root.modules():
        if isinstance(module, (torch.nn.Sequential, torch.nn.ModuleList)):
            blocks = [c for c in module.children() if next(c.parameters(), None) is not None]
            if len(blocks) > max(len(stack), 1):
                stack = blocks
    if not stack:
        stack = [c for c in root.children() if next(c.parameters(), None) is not None]
    place = {id(p): i for i, block in enumerate(stack, 1) for p in block.parameters()}
    depths: dict[int, int] = {}
    deepest = 0
    for p in root.parameters():  # in the order of definition; a shared one counts where it is first
        if id(p) in place:
            depths[id(p)] = place[id(p)]
            deepest = len(stack)
        else:
            depths[id(p)] = deepest and len(stack) + 1
    used = {depth: i for i, depth in enumerate(sorted(set(depths.values())))}
    return {key: used[depth] for key, depth in depths.items()}
