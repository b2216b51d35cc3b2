"""Schedule-free SGD and AdamW, written from the paper's recursion; torch is loaded with this file.

Defazio et al. 2024, "The Road Less Scheduled": with z the plain iterate, x its weighted mean and
y = (1 - beta) z + beta x the point where gradients are taken,

    z <- z - lr d(y),  c = w_t / sum w,  x <- (1 - c) x + c z,  w_t = (t + 1)^r lr_max^p

d is the gradient, divided by the root of its bias-corrected mean square for AdamW, plus the decay
at y. The parameters hold y while training; x is (y - (1 - beta) z) / beta and is what is evaluated.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _ScheduleFree(torch.optim.Optimizer):
    """What both share: z per parameter, the mean's weights per group."""

    trained: Any = None  # gives the trained value of a parameter that shows its mean right now
    resume: Any = None  # takes trained values that a checkpoint held

    def _beta(self, group: dict[str, Any]) -> float:
        raise NotImplementedError

    def _sizes(
        self, gradients: list[Tensor], states: list[dict[str, Any]], group: dict[str, Any]
    ) -> list[Tensor] | None:
        """Returns what gradients are divided by for the direction; None: they are it."""
        raise NotImplementedError

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Takes one step of the recursion; gradients are left as they are."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta, lr = self._beta(group), float(group["lr"])
            group["k"] += 1
            group["lr_max"] = max(lr, group["lr_max"])
            weight = group["k"] ** group["r"] * group["lr_max"] ** group["weight_lr_power"]
            group["weight_sum"] += weight
            c = weight / group["weight_sum"] if group["weight_sum"] else 0.0
            held = [p for p in group["params"] if p.grad is not None]
            if not held:
                continue
            states = [self.state[p] for p in held]
            for p, state in zip(held, states, strict=True):
                if "z" not in state:
                    state["z"] = p.detach().clone(memory_format=torch.preserve_format)
            zs = [state["z"] for state in states]
            directions: Any = [p.grad for p in held]
            sizes = self._sizes(directions, states, group)
            if group["weight_decay"]:
                if sizes is not None:
                    directions, sizes = torch._foreach_div(directions, sizes), None
                decay = group["weight_decay"]
                directions = torch._foreach_add(directions, held, alpha=decay)
            # y's own recursion: x never has to be kept
            torch._foreach_lerp_(held, zs, c)
            for moved, factor in ((held, lr * (beta * (1 - c) - 1)), (zs, -lr)):
                if sizes is None:
                    torch._foreach_add_(moved, directions, alpha=factor)
                else:  # a quotient of its own would be one more pass through memory
                    torch._foreach_addcdiv_(moved, directions, sizes, value=factor)
        return loss

    def averages(self) -> list[tuple[Tensor, Tensor]]:
        """Yields each parameter that has been stepped, with its mean x."""
        found = []
        for group in self.param_groups:
            for p in group["params"]:
                if "z" in self.state.get(p, {}):
                    z = self.state[p]["z"]
                    found.append((p, p.detach().lerp(z, 1 - 1 / self._beta(group))))
        return found

    def state_dict(self) -> dict[str, Any]:
        """Returns the state, with y: the weights that a script saves beside it are x."""
        kept = super().state_dict()
        index = 0
        state = {key: dict(value) for key, value in kept["state"].items()}
        for group in self.param_groups:
            for p in group["params"]:
                if index in state:
                    state[index]["y"] = (self.trained(p) if self.trained else p).detach().clone()
                index += 1
        return {**kept, "state": state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from y, whether the weights are loaded before this or after it."""
        super().load_state_dict(state_dict)
        values = [(p, state.pop("y")) for p, state in self.state.items() if "y" in state]
        if self.resume is not None:
            self.resume(values)
            return
        for p, y in values:
            p.data.copy_(y)


class ScheduleFreeSgd(_ScheduleFree):
    """Schedule-free SGD; momentum is beta."""

    def __init__(
        self, params: Any, lr: float = 1.0, momentum: float = 0.9, weight_decay: float = 0.0,
        r: float = 0.0, weight_lr_power: float = 2.0,
    ) -> None:  # fmt: skip
        counts = {"k": 0, "lr_max": -1.0, "weight_sum": 0.0, "r": r}
        settings = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, {**settings, **counts, "weight_lr_power": weight_lr_power})

    def _beta(self, group: dict[str, Any]) -> float:
        return float(group["momentum"])

    def _sizes(self, gradients: Any, states: Any, group: dict[str, Any]) -> None:
        return None


class ScheduleFreeAdamw(_ScheduleFree):
    """Schedule-free AdamW; the first of the betas is beta."""

    def __init__(
        self, params: Any, lr: float = 0.0025, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0, r: float = 0.0, weight_lr_power: float = 2.0,
    ) -> None:  # fmt: skip
        counts = {"k": 0, "lr_max": -1.0, "weight_sum": 0.0, "r": r}
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**settings, **counts, "weight_lr_power": weight_lr_power})

    def _beta(self, group: dict[str, Any]) -> float:
        return float(group["betas"][0])

    def _sizes(self, gradients: Any, states: Any, group: dict[str, Any]) -> list[Tensor]:
        beta = group["betas"][1]
        for state in states:
            if "exp_avg_sq" not in state:
                z = state["z"]  # laid out as the parameter is
                state["exp_avg_sq"] = torch.zeros_like(z, memory_format=torch.preserve_format)
        squares = [state["exp_avg_sq"] for state in states]
        torch._foreach_mul_(squares, beta)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - beta)
        sizes = torch._foreach_div(squares, 1 - beta ** group["k"])
        torch._foreach_sqrt_(sizes)
        torch._foreach_add_(sizes, group["eps"])
        return list(sizes)
