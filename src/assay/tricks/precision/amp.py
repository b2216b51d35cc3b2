"""The trick `amp`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...seams.root import any_parameter
from ..base import Option, Trick

if TYPE_CHECKING:
    from ..stage import Stage


class Amp(Trick):
    """Computes model and loss in half precision where that is safe, with float32 weights.

    ## What it does
    Calls of the model and loss functions run under `torch.autocast`. With `fp16` the loss is also
    scaled before `backward()`, gradients are unscaled before they are clipped or used, and a step
    whose gradients overflowed is left out, after which the scale is halved: what a hand-written
    GradScaler does. In a script that has its own fp16 region and no GradScaler, `fp16` adds what
    is missing: the scaler.

    ## Formula
    `g = backward(s * loss) / s`, with s doubled after 2000 good steps and halved after a bad one.
    Source: Micikevicius et al. 2018, "Mixed Precision Training"; torch's `autocast` and
    `GradScaler`.

    ## When
    Hardware with fast half precision and a model that is limited by it. `bf16` wherever the
    hardware has it: it has float32's range and needs no scaling, but 8 bits of precision. `fp16`
    elsewhere.

    ## Cost
    Casts of the weights once per step; usually far less time and half the memory of activations.

    ## Conflicts and order
    Before all tricks on gradients, which see unscaled ones. Refused where the script has its own
    GradScaler, or its own autocast of another type.

    ## Common mistakes
    A GradScaler with bf16 does nothing but cost. Weights kept in half precision stop moving: 1000
    steps of 1e-3 leave a bf16 weight of 1.0 exactly where it was (measured). fp16 ends at 65504.
    """

    name = "amp"
    family = "precision"
    value = Option("value", str, "bf16", choices=("bf16", "fp16"), help="half precision type")
    options = (Option("scale", float, 65536.0, 1, help="first loss scale, fp16 only"),)

    def __init__(self, value: Any = None, **options: Any) -> None:
        super().__init__(value, **options)
        self._scaler: Any = None
        self._ours = False

    def attach_to(self, stage: Stage) -> None:
        """Puts autocast around model and loss; with fp16 a scaler around backward and step."""
        import torch

        half = torch.bfloat16 if self.given.value == "bf16" else torch.float16
        device = {"type": "cpu"}

        def region(*_: Any) -> Any:
            self._ours = True
            return torch.autocast(device["type"], dtype=half)

        def of_model(module: Any) -> Any:
            device["type"] = any_parameter(module).device.type
            return region()

        def own(device_type: str, dtype: Any, enabled: Any) -> None:
            lacks_scaler = half is torch.float16 and dtype is half
            if enabled and not self._ours and not lacks_scaler:
                stage.refuse(self.name, "the script has its own autocast region")
            self._ours = False

        stage.around("root_call", of_model)
        stage.around("loss", region)
        stage.on("autocast", own)
        if half is torch.float16:
            self._scale(stage)

    def _scale(self, stage: Stage) -> None:
        import torch
        from torch.nn.utils import clip_grad

        self._scaler = scaler = torch.amp.GradScaler(
            "cuda" if torch.cuda.is_available() else "cpu", init_scale=self.given.scale
        )
        optimizers: list[Any] = []
        unscaled: set[int] = set()

        def backward(roots: Any) -> Any:
            if not isinstance(roots, torch.Tensor):
                return roots
            self._ours = True
            scaled = scaler.scale(roots)
            self._ours = False
            return scaled

        def own(*_: Any) -> None:
            if not self._ours:
                stage.refuse(self.name, "the script has its own GradScaler")

        def unscale() -> None:
            for optimizer in optimizers:
                held = (p.grad for g in optimizer.param_groups for p in g["params"])
                if id(optimizer) not in unscaled and any(g is not None for g in held):
                    unscaled.add(id(optimizer))
                    scaler.unscale_(optimizer)

        def decide(optimizer: Any) -> bool:
            unscale()
            found = scaler._per_optimizer_states[id(optimizer)]["found_inf_per_device"]
            good = not any(bool(value.item()) for value in found.values())
            unscaled.discard(id(optimizer))
            if not unscaled:
                scaler.update()
            return good

        def before_clip(original: Any) -> Any:
            def clip(*args: Any, **kwargs: Any) -> Any:
                unscale()
                return original(*args, **kwargs)

            return clip

        stage.each_optimizer(optimizers.append)
        stage.on("scaled", own)
        stage.change("backward", backward)
        stage.hold_steps(decide)
        stage.patches.wrap(clip_grad, "clip_grad_norm_", before_clip)
        stage.patches.wrap(clip_grad, "clip_grad_value_", before_clip)

    def state_dict(self) -> dict[str, Any]:
        """The loss scale and its counter."""
        return {} if self._scaler is None else dict(self._scaler.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on with a kept scale."""
        if self._scaler is not None and state:
            self._scaler.load_state_dict(state)
