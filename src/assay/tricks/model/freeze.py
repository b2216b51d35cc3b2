"""The trick `freeze`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..base import Option, Trick

if TYPE_CHECKING:
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
    value = Option("value", str, required=True, help="pattern of names, such as layers.0 or body.*")
    options = (Option("until", int, 0, 0, help="step at which it ends; 0 means never"),)

    def __init__(self, value: Any = None, **options: Any) -> None:
        super().__init__(value, **options)
        self.steps = 0

    def attach_to(self, stage: Stage) -> None:
        """Freezes in each model; thaws after the given step."""
        frozen: list[Any] = []
        norms: list[Any] = []
        watched: list[bool] = []

        def begin(model: Any) -> None:
            found = matching(model, self.given.value)
            if not found:
                names = ", ".join(list(dict(model.named_children()))[:8])
                stage.refuse(
                    self.name, f"no parameter fits {self.given.value!r}; there are {names}"
                )
            chosen = [p for _, p in found if p.requires_grad]
            for p in chosen:
                p.requires_grad_(False)
            frozen.extend(chosen)
            ids = {id(p) for _, p in found}
            for part in model.modules():
                own = list(part.parameters(recurse=False))
                if hasattr(part, "running_mean") and own and all(id(p) in ids for p in own):
                    norms.append(part)
            if norms and not watched:
                watched.append(True)
                stage.root_calls(keep_eval)
            keep_eval(None, model)  # this call of the model may be under way already
            stage.note("frozen", parameters=len(chosen))

        def keep_eval(given: Any, module: Any) -> Any:
            for part in norms:
                part.training = False
            return given

        def count(optimizer: Any) -> None:
            self.steps += 1
            if self.given.until and self.steps >= self.given.until:
                thaw()

        def thaw() -> None:
            for p in frozen:
                p.requires_grad_(True)
            frozen.clear()
            norms.clear()

        stage.patches.on_undo(thaw)
        stage.each_model(begin)
        stage.on("step_end", count)

    def state_dict(self) -> dict[str, Any]:
        """Steps done."""
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on counting."""
        self.steps = int(state["steps"])
