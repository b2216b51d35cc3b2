"""The trick `skip-non-finite`."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..base import Trick, option, value
from ..per_optimizer import PerOptimizer
from ..together import Together
from .final import final_gradients
from .last_good import LastGood

if TYPE_CHECKING:
    from ..stage import Stage


class SkipNonFinite(Trick):
    """Leaves out steps whose gradient is NaN or infinite; goes back after several in a row.

    ## What it does
    Before each step all gradients are tested. If one element is not finite the step does nothing
    and the gradients are cleared. After `value` such steps in a row, weights and optimizer state
    go back to the last good state, which is kept every `every` good steps.

    ## Formula
    None; the test is `isfinite(||g||)`. The rule is that of GradScaler (Micikevicius et al. 2018,
    "Mixed Precision Training") without its scale; going back is common practice in large runs
    (Chowdhery et al. 2022, PaLM, section 5.1).

    ## When
    Rare bad batches or overflows. If it skips often, something else is wrong: see
    `loss-not-finite`.

    ## Cost
    One norm per step and reading it on the host, which on an accelerator waits for the step; a
    copy of weights and optimizer state every `every` steps.

    ## Conflicts and order
    First among all tricks on gradients. A GradScaler of the script skips by itself, as ever; its
    skipped steps are counted. Of the gradients that LBFGS takes in a step the first is tested.
    Ranks skip together: where one of them has a bad gradient none steps (one `all_reduce` of a
    number a step). Refused where nothing tells which ranks step together.

    ## Common mistakes
    Replacing NaN by 0 in the gradient: the weights then move on half of the truth.
    """

    name = "skip-non-finite"
    family = "gradients"
    by_hand = (
        "find where the first value that is not finite comes from; `assay check` names the step "
        "and the module"
    )
    patience: int = value(default=5, low=1, help="bad steps in a row before going back")
    every: int = option(default=100, low=1, help="good steps between two kept states")

    def __post_init__(self) -> None:
        self.skipped = 0
        self.returns = 0
        self._states = PerOptimizer(LastGood)
        self._closures: weakref.WeakSet[Any] = weakref.WeakSet()
        self._scaled = False
        self._together: Together | None = None

    def attach_to(self, stage: Stage) -> None:
        """Decides before each step."""
        from torch.amp import grad_scaler

        self._together = Together(stage, self.name)

        def decide(optimizer: Any) -> bool:
            if optimizer in self._closures:
                return True  # its gradients are not there yet
            good = self._is_good(optimizer, stage)
            return good or self._scaled

        def step_begin(optimizer: Any, has_closure: Any) -> None:
            if has_closure:
                self._closures.add(optimizer)

        def gradients_ready(optimizer: Any) -> None:
            if optimizer in self._closures and stage.meant(optimizer):
                self._is_good(optimizer, stage)  # without gradients the step does nothing

        def scaled(original: Any) -> Any:
            def step(scaler: Any, *args: Any, **kwargs: Any) -> Any:
                self._scaled = scaler.is_enabled()
                try:
                    return original(scaler, *args, **kwargs)
                finally:
                    self._scaled = False

            return step

        stage.hold_steps(decide)
        stage.patches.wrap(grad_scaler.GradScaler, "step", scaled)
        stage.on("step_begin", step_begin)
        stage.on("gradients_ready", gradients_ready)

    def _is_good(self, optimizer: Any, stage: Stage) -> bool:
        import torch

        state = self._states.of(optimizer)
        held, _ = final_gradients(optimizer)
        gradients = [gradient for _, gradient in held]
        norm = torch.nn.utils.get_total_norm(gradients) if gradients else torch.zeros(())
        bad = not bool(torch.isfinite(norm))
        if self._together is not None:
            bad = self._together.any(optimizer, flag=bad)
        if not bad:
            if not gradients:
                return True
            if state.good % self.every == 0:
                state.keep(optimizer)
            state.good, state.bad = state.good + 1, 0
            return True
        self.skipped += 1
        state.bad += 1
        stage.note("step skipped", in_a_row=state.bad)
        if not self._scaled:  # a scaler must find them
            for p, _ in held:
                p.grad = None
        if state.bad >= self.patience and state.put_back(optimizer):
            state.bad = 0
            self.returns += 1
            stage.note("went back to the last good state")
        return False

    def state_dict(self) -> dict[str, Any]:
        """Returns how many steps were left out and taken back; kept states are made anew."""
        return {"skipped": self.skipped, "returns": self.returns}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on counting."""
        self.skipped, self.returns = int(state["skipped"]), int(state["returns"])
