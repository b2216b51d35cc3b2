"""The trick `gradient-penalty`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from .roles import Roles

if TYPE_CHECKING:
    from torch import Tensor

    from ...watching.calls import Call
    from ..stage import Stage


class GradientPenalty(Trick):
    """Adds a penalty on the slope of a GAN's judge at its input to the judge's own loss.

    ## What it does
    Before a backward pass through the judge's own loss, the judge is called once more, and the
    penalty is added. `wgan` takes points between real and generated rows of this turn and draws the
    norm of the slope to 1; `r1` takes real rows and draws it to 0. The norm runs over all numbers
    of a row.

    ## Formula
    `wgan`: `weight * mean((|dD(u x + (1 - u) G(z))| - 1)^2)`, u uniform in 0 to 1, one a row.
    `r1`: `weight / 2 * mean(|dD(x)|^2)`. With `every=k` it is added to each k-th turn, k times as
    large. Sources: Gulrajani et al. 2017, "Improved training of Wasserstein GANs", algorithm 1;
    Mescheder, Geiger, Nowozin 2018, "Which training methods for GANs do actually converge?"; Karras
    et al. 2020, "Analyzing and improving the image quality of StyleGAN" (every k-th turn).

    ## When
    Wasserstein critics without a bound (`critic-not-lipschitz`); a judge that is sure of every row,
    or a generator that collapses.

    ## Cost
    A forward pass of the judge and a backward pass of second order.

    ## Conflicts and order
    Refused where nothing judges what another network makes within 64 backward passes. A judge with
    BatchNorm has no slope of a single row: use LayerNorm or GroupNorm there.

    ## Common mistakes
    A norm over channels alone (`dim=1`), which bounds each pixel's slope and not the picture's.
    """

    name = "gradient-penalty"
    family = "gan"
    changes_loss = "training"
    weight: float = value(default=10.0, low=0, open_low=True, help="factor of the penalty")
    kind: str = option(default="wgan", choices=("wgan", "r1"), help="where, and to what it draws")
    every: int = option(default=1, low=1, help="turns of the judge for one penalty")

    def __post_init__(self) -> None:
        self._turns = 0

    def attach_to(self, stage: Stage) -> None:
        """Adds the penalty to what `backward` is called on."""
        import torch

        roles = Roles(self.name, stage)
        seen: dict[str, Call] = {}

        def add(roots: Any) -> Any:
            calls = roles.through(roots) if isinstance(roots, torch.Tensor) else []
            if not calls or any(call.below for call in calls):
                return roots
            seen.update(("made" if call.fed else "real", call) for call in calls)
            if "real" not in seen and (earlier := roles.on_data(calls[0].net())) is not None:
                seen["real"] = earlier  # of a pass before it was known who judges
            wanted = {"wgan": ("real", "made"), "r1": ("real",)}[self.kind]
            if any(kind not in seen for kind in wanted):
                return roots
            real, made = seen["real"], seen.get("made")
            seen.clear()
            self._turns += 1
            if self._turns % self.every:
                return roots
            with self._aside(stage):
                return roots + self.every * self._penalty(roles, real, made)

        stage.change("backward", add)
        stage.on("step_end", lambda optimizer: seen.clear())

    @staticmethod
    def _aside(stage: Stage) -> Any:
        return stage.hub.changes.switches["root"].aside()

    def _penalty(self, roles: Roles, real: Call, made: Call | None) -> Tensor:
        import torch

        from ...watching.calls import tensors

        args, kwargs = roles.arguments(real)
        x = max(tensors([args, kwargs]), key=torch.Tensor.numel).detach()
        at = x
        if self.kind == "wgan" and made is not None:
            other = max(tensors(list(roles.arguments(made))), key=torch.Tensor.numel).detach()
            rows = min(len(x), len(other))
            mix = torch.rand(rows, *[1] * (x.dim() - 1), device=x.device, dtype=x.dtype)
            at = mix * x[:rows] + (1 - mix) * other[:rows]
        at = at.requires_grad_(True) if at is not x else x.clone().requires_grad_(True)
        net: Any = real.net()
        answers = net(*(at if a is args[0] else a for a in args), **kwargs)
        answer = min(tensors(answers), key=torch.Tensor.numel)
        (slope,) = torch.autograd.grad(answer.sum(), at, create_graph=True)
        if self.kind == "r1":
            penalty: Tensor = self.weight / 2 * slope.flatten(1).square().sum(1).mean()
        else:
            penalty = self.weight * (slope.flatten(1).norm(2, dim=1) - 1).square().mean()
        return penalty

    def state_dict(self) -> dict[str, Any]:
        """Returns how many turns the judge has had."""
        return {"turns": self._turns}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on counting."""
        self._turns = int(state["turns"])
