"""The trick `drop-path`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from ..stage import Stage

ENDS_OF_BRANCHES = ("dropout1", "dropout2", "dropout3", "drop_path", "resid_dropout", "bn3", "bn2")
"""Children that stand last in a residual branch: of torch's transformer layers (dropout1 to 3), of
GPT-like blocks (resid_dropout), of torchvision's and timm's blocks (bn3 or bn2, drop_path)."""


def drop_branch(x: Tensor, rate: float, samples: int = 0) -> Tensor:
    """Sets whole samples to 0 with this probability and divides the others by what is kept.

    Args:
        x: output of a residual branch.
        rate: 0 to 1, 1 excluded.
        samples: the dimension of the samples.
    """
    shape = [1] * x.dim()
    shape[samples] = x.shape[samples]
    mask = x.new_empty(shape).bernoulli_(1 - rate)
    if x.element_size() < 4:  # as a tensor of half precision, 1 - rate would be rounded
        return x * mask / (1 - rate)
    return x / ((1 - rate) / mask)  # the same in one pass: what is dropped is divided by infinity


def samples_of(block: Module) -> int:
    """Returns the dimension of samples: torch's attention may have it second."""
    return 0 if getattr(getattr(block, "self_attn", None), "batch_first", True) else 1


class DropPath(Trick):
    """Leaves out whole residual branches at random, sample by sample (stochastic depth).

    ## What it does
    In training the output of each residual branch is set to 0 for a random part of the samples. The
    rate rises linearly with depth from 0 to the value.

    ## Formula
    `y = x + b / (1 - p_l) * branch(x)`, b 1 with probability 1 - p_l, else 0, one for each sample;
    `p_l = p l / (L - 1)`. Source: Huang, Sun, Liu, Sedra, Weinberger 2016, "Deep Networks with
    Stochastic Depth", equation 4.

    ## When
    Deep residual networks and transformers that over-fit; 0.1 to 0.3.

    ## Cost
    One multiplication per branch.

    ## Conflicts and order
    Branches are recognised by the usual names of their last part; refused where there are none.

    ## Common mistakes
    Leaving out the division: the mean then falls to 0.8 at p = 0.2 (measured). Dropping the sum
    instead of the branch. One decision for the whole batch.
    """

    name = "drop-path"
    family = "regularisation"
    changes_mode = True
    rate: float = value(default=0.1, low=0, high=1, open_high=True, help="rate of the last branch")

    def attach_to(self, stage: Stage) -> None:
        """Puts a hook on the last part of each branch."""
        handles: list[Any] = []

        def begin(model: Any) -> None:
            ends: list[tuple[Any, int]] = []
            for block in model.modules():
                children = dict(block.named_children())
                found = [name for name in ENDS_OF_BRANCHES if name in children]
                if "bn3" in found or "bn2" in found:
                    found = ["bn3" if "bn3" in found else "bn2"]
                ends += [(children[name], samples_of(block)) for name in found]
            if not ends:
                stage.refuse(self.name, f"{type(model).__name__} has no residual branch known here")
            for depth, (end, samples) in enumerate(ends):
                rate = self.rate * depth / max(len(ends) - 1, 1)
                if rate:
                    handles.append(end.register_forward_hook(self._hook(rate, samples)))
            stage.note("branches", count=len(ends))

        def undo() -> None:
            while handles:
                handles.pop().remove()

        stage.patches.on_undo(undo)
        stage.each_model(begin)

    @staticmethod
    def _hook(rate: float, samples: int) -> Any:
        def after(module: Any, args: Any, result: Any) -> Any:
            return drop_branch(result, rate, samples) if module.training else None

        return after
