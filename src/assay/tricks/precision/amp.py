"""The trick `amp`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from .scaling import Scaling

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
    GradScaler, or its own autocast of another type; `fp16` also for a step with a closure.

    ## Common mistakes
    A GradScaler with bf16 does nothing but cost. Weights kept in half precision stop moving: 1000
    steps of 1e-3 leave a bf16 weight of 1.0 exactly where it was (measured). fp16 ends at 65504.
    """

    name = "amp"
    family = "precision"
    dtype: str = value(default="bf16", choices=("bf16", "fp16"), help="half precision type")
    scale: float = option(default=65536.0, low=1, help="first loss scale, fp16 only")

    def __post_init__(self) -> None:
        self._scaling: Scaling | None = None
        self._ours = False

    def attach_to(self, stage: Stage) -> None:
        """Puts autocast around model and loss; with fp16 a scaler around backward and step."""
        import torch

        from ...seams.root import any_parameter

        half = torch.bfloat16 if self.dtype == "bf16" else torch.float16
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
        def own(*_: Any) -> None:
            if not scaling.at_work:
                stage.refuse(self.name, "the script has its own GradScaler")

        def no_closure(optimizer: Any) -> None:
            if stage.meant(optimizer):
                why = "fp16 takes no closure, as a GradScaler does not; bf16 does"
                stage.refuse(self.name, why)

        self._scaling = scaling = Scaling(self.scale)
        stage.on("scaled", own)
        stage.on("closure_begin", no_closure)
        scaling.put_in_place(stage, self.name)

    def state_dict(self) -> dict[str, Any]:
        """Returns the loss scale and its counter."""
        if self._scaling is None:
            return {}
        self._scaling.end_iteration()
        return dict(self._scaling.scaler.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on with a kept scale."""
        if self._scaling is not None and state:
            self._scaling.scaler.load_state_dict(state)
