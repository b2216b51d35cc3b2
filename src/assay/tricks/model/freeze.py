"""The trick `freeze`."""

from __future__ import annotations

import weakref
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..stage import Stage


def matching(model: Any, pattern: str) -> list[tuple[str, Any]]:
    """Parameters whose name, or whose module's name, fits the pattern (`*` stands for anything)."""
    return [
        (name, p)
        for name, p in model.named_parameters()
        if fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")
    ]


class Freeze(Trick):
    """Stops training the parameters whose names fit a pattern, for good or for some steps.

    ## What it does
    Sets `requires_grad` off, so that they get no gradient and no optimizer moves them (no weight
    decay and no momentum either). BatchNorm inside is kept in eval mode while frozen. After
    `until` steps they train again.

    ## Formula
    None. Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning" (gradual
    unfreezing).

    ## When
    Fine-tuning on little data; the first steps after a new head was put on a pretrained body.

    ## Cost
    Less than none: no gradients are computed for what is frozen in front.

    ## Conflicts and order
    Before the optimizer is built.

    ## Common mistakes
    Frozen BatchNorm goes on updating its running statistics unless it is in eval mode after every
    `model.train()`. A rate of 0 is no freezing: weight decay may still act.
    """

    name = "freeze"
    family = "model"
    pattern: str = value(help="pattern of names, such as layers.0 or body.*")
    until: int = option(default=0, low=0, help="step at which it ends; 0 means never")

    def __post_init__(self) -> None:
        self.steps = 0
        self._thaw: Callable[[], None] = lambda: None

    def attach_to(self, stage: Stage) -> None:
        """Freezes in each model; thaws after the given step."""
        frozen: list[Any] = []
        norms: list[Any] = []
        put_in_eval: dict[Any, Any] = {}
        watched: list[bool] = []
        counted: list[weakref.ref[Any]] = []

        def begin(model: Any) -> None:
            if self._is_over():
                return
            found = matching(model, self.pattern)
            if not found:
                names = ", ".join(list(dict(model.named_children()))[:8])
                stage.refuse(self.name, f"no parameter fits {self.pattern!r}; there are {names}")
            chosen = [p for _, p in found if p.requires_grad]
            for p in chosen:
                p.requires_grad_(False)
            frozen.extend(chosen)
            ids = {id(p) for _, p in found}
            for part in model.modules():
                own = list(part.parameters(recurse=False))
                if hasattr(part, "running_mean") and own and all(id(p) in ids for p in own):
                    norms.append((model, part))
            if norms and not watched:
                watched.append(True)
                stage.root_calls(keep_eval)
            keep_eval(None, model)  # this call of the model may be under way already
            stage.note("frozen", parameters=len(chosen))

        def keep_eval(given: Any, module: Any) -> Any:
            for model, part in norms:
                if part.training:
                    part.training = False
                    put_in_eval[part] = model
            return given

        def count(optimizer: Any) -> None:
            if stage.optimizers and not stage.meant(optimizer):
                return
            if not counted or counted[0]() is None:
                counted[:] = [weakref.ref(optimizer)]
            if counted[0]() is optimizer:  # several optimizers take a step each
                self.steps += 1
            if self._is_over():
                thaw()

        def thaw() -> None:
            for p in frozen:
                p.requires_grad_(True)
            frozen.clear()
            norms.clear()
            for part, model in put_in_eval.items():
                part.training = model.training
            put_in_eval.clear()

        self._thaw = thaw
        stage.patches.on_undo(thaw)
        stage.each_model(begin)
        stage.on("step_end", count)

    def _is_over(self) -> bool:
        return bool(0 < self.until <= self.steps)

    def state_dict(self) -> dict[str, Any]:
        """Returns the steps done."""
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on counting; what has thawed by then thaws at once."""
        self.steps = int(state["steps"])
        if self._is_over():
            self._thaw()
