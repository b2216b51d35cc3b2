"""Runs a script with a tool attached, in the tool's own environment.

    python -m faultbench.attach TOOL SCRIPT OUT

Scripts are written in many styles, so a tool's lines are not pasted into their text but called where
they would stand: after the optimizer is made and before the first training pass (`attach`), between
`backward` and `step` (`before_step`), after `step`, and at the end. The attached model is the
outermost module of the first forward pass with gradients whose parameters an optimizer holds; if
none does, the first with any parameters once an optimizer exists. What the tool says goes into
`said.json`, an error of the tool's own too: the script goes on without it.
"""

from __future__ import annotations

import functools
import importlib
import json
import math
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .adapters.base import Adapter, Step

LOSSES = (
    "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div cosine_embedding_loss triplet_margin_loss ctc_loss "
    "poisson_nll_loss gaussian_nll_loss hinge_embedding_loss margin_ranking_loss"
).split()


class Attachment:
    """Follows a script's training and tells the tool of it.

    Args:
        tool: The adapter.
    """

    def __init__(self, tool: Adapter) -> None:
        self.tool = tool
        self.trouble = ""
        self.model: Any = None
        self.optimizer: Any = None
        self.optimizers: list[Any] = []
        self.depth = self.steps = 0
        self.busy = False
        self.loss: Any = None
        self.batch: dict[str, Any] = {}
        self.held_out: list[float] = []

    def tell(self, call: Callable[..., None], *words: Any) -> None:
        """Calls the tool unless it has failed; its own error is noted, the script goes on."""
        if self.trouble or self.busy:
            return
        self.busy = True
        try:
            call(*words)
        except Exception:
            self.trouble = traceback.format_exc()
        finally:
            self.busy = False

    def install(self) -> None:
        """Puts itself where a training can be followed."""
        import torch
        from torch.optim import optimizer as optim

        made, called, backward = (
            optim.Optimizer.__init__,
            torch.nn.Module.__call__,
            torch.Tensor.backward,
        )

        @functools.wraps(made)
        def make(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            made(optimizer, *args, **kwargs)
            self.optimizers.append(optimizer)

        @functools.wraps(called)
        def call(module: Any, *args: Any, **kwargs: Any) -> Any:
            if self.busy:
                return called(module, *args, **kwargs)
            outermost = self.depth == 0 and torch.is_grad_enabled()
            if outermost and self.model is None:
                self.meet(module)
            self.depth += 1
            try:
                result = called(module, *args, **kwargs)
            finally:
                self.depth -= 1
            if outermost and module is self.model:
                self.batch |= {"inputs": args[0] if args else None, "outputs": result}
            return result

        @functools.wraps(backward)
        def back(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.busy and tensor.numel() == 1:
                self.loss = tensor.detach()
                self.tell(self.tool.before_backward, tensor)
            return backward(tensor, *args, **kwargs)

        optim.Optimizer.__init__ = make  # type: ignore[method-assign]
        torch.nn.Module.__call__ = call  # type: ignore[method-assign]
        torch.Tensor.backward = back  # type: ignore[method-assign]
        optim.register_optimizer_step_pre_hook(
            lambda optimizer, *_: self.tell(self.step, optimizer, self.tool.before_step)
        )
        optim.register_optimizer_step_post_hook(
            lambda optimizer, *_: self.tell(self.step, optimizer, self.tool.after_step)
        )
        for name in LOSSES:
            self.follow(torch.nn.functional, name)

    def follow(self, owner: Any, name: str) -> None:
        """Notes the targets of a loss function, and the losses of evaluations."""
        import torch

        function = getattr(owner, name)

        @functools.wraps(function)
        def measure(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if self.busy:
                return result
            if torch.is_grad_enabled():
                self.batch["targets"] = args[1] if len(args) > 1 else kwargs.get("target")
                self.tool.loss_call = (function, args, kwargs)
            elif result.numel() == 1 and self.model is not None:
                self.held_out.append(float(result))
            return result

        setattr(owner, name, measure)

    def meet(self, module: Any) -> None:
        """Attaches the tool if this module is trained."""
        own = {id(parameter) for parameter in module.parameters()}
        if not own or not self.optimizers:
            return
        held = [
            sum(id(p) in own for group in optimizer.param_groups for p in group["params"])
            for optimizer in self.optimizers
        ]
        self.optimizer = self.optimizers[held.index(max(held))]
        self.model = module
        self.tell(self.tool.attach, module, self.optimizer)

    def step(self, optimizer: Any, call: Callable[[Step], None]) -> None:
        """Tells of a step of the attached optimizer."""
        if optimizer is not self.optimizer and self.optimizer is not None:
            return
        if self.model is None:
            return
        held_out = math.fsum(self.held_out) / len(self.held_out) if self.held_out else None
        loss = None if self.loss is None else float(self.loss)
        rate = float(optimizer.param_groups[0]["lr"])
        step = Step(self.steps, loss, rate, self.model, optimizer, held_out=held_out, **self.batch)
        call(step)
        if call == self.tool.after_step:
            self.steps += 1
            self.held_out.clear()


def main() -> None:
    """Runs `TOOL SCRIPT OUT`."""
    name, script, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    tool = find(name)(out=out)
    attachment = Attachment(tool)
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    attachment.install()
    tool.begin()
    error: BaseException | None = None
    try:
        runpy.run_path(str(script), run_name="__main__")
    except BaseException as died:
        error = died
        traceback.print_exc()
    attachment.tell(tool.finish, error)
    trouble = attachment.trouble
    if not trouble and attachment.model is None and type(tool).attach is not Adapter.attach:
        trouble = "found no training pass of a module to attach to"
    known = {"said": tool.said, "trouble": trouble, "steps": attachment.steps}
    (out / "said.json").write_text(json.dumps(known, indent=1), encoding="utf-8")


def find(name: str) -> type[Adapter]:
    """Returns the adapter of a tool by its name, importing no other one."""
    module = importlib.import_module(f"faultbench.adapters.{name.replace('-', '_')}")
    return next(
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Adapter)
        and getattr(kind, "name", "") == name
    )


if __name__ == "__main__":
    main()
