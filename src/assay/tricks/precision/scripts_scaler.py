"""The script's own GradScaler, which it uses for the loss and not for what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .scaling import Unscaling, gradients_of

if TYPE_CHECKING:
    from ..stage import Stage


class ScriptsScaler(Unscaling):
    """The script's own scaler: does what the script leaves out, and nothing twice."""

    def __init__(self) -> None:
        super().__init__()
        self._inside = False  # of a step through the scaler, which does all that is needed
        self._plain = False
        self._scaled: set[int] = set()

    def follow(self, stage: Stage, name: str) -> None:
        """Hears of all that the script does with it.

        Args:
            stage: Where to act.
            name: Of the trick that refuses what does not fit.
        """
        from torch.amp.grad_scaler import GradScaler

        from ...seams.precision import goes_through, nodes_of

        def refuse_mixed() -> None:
            stage.refuse(name, "not every backward pass is of a loss that was scaled")

        def backward(roots: Any) -> Any:
            if not any(goes_through(node, self._scaled) for node in nodes_of(roots)):
                self._plain = True
                if self.scaler is not None:
                    refuse_mixed()
            return roots

        def scaled(original: Any) -> Any:
            def scale(scaler: Any, outputs: Any) -> Any:
                if not scaler.is_enabled():
                    return original(scaler, outputs)
                if self._plain:
                    refuse_mixed()
                if self.scaler not in (None, scaler):
                    stage.refuse(name, "the script has several GradScalers")
                self.scaler = scaler
                self.end_iteration()
                result = original(scaler, outputs)
                self._scaled.update(node._sequence_nr() for node in nodes_of(result))
                return result

            return scale

        def through(original: Any) -> Any:
            def step(scaler: Any, *args: Any, **kwargs: Any) -> Any:
                self._inside = True
                try:
                    return original(scaler, *args, **kwargs)
                finally:
                    self._inside = False

            return step

        def once(original: Any) -> Any:
            def unscale_(scaler: Any, optimizer: Any) -> None:
                if scaler is not self.scaler:
                    original(scaler, optimizer)
                elif optimizer not in self._unscaled:
                    self._unscaled.add(optimizer)
                    original(scaler, optimizer)

            return unscale_

        def updated(original: Any) -> Any:
            def update(scaler: Any, *args: Any, **kwargs: Any) -> Any:
                result = original(scaler, *args, **kwargs)
                self._begin_iteration()
                return result

            return update

        def no_closure(optimizer: Any) -> None:
            if self.scaler is not None and stage.meant(optimizer):
                stage.refuse(name, "a GradScaler takes no closure")

        stage.change("backward", backward)
        stage.on("closure_begin", no_closure)
        self.put_in_place(stage, name)
        wrappers = {"scale": scaled, "step": through, "unscale_": once, "update": updated}
        for method, make in wrappers.items():
            stage.patches.wrap(GradScaler, method, make)

    def _begin_iteration(self) -> None:
        super()._begin_iteration()
        self._scaled.clear()

    def _decide(self, optimizer: Any) -> bool:
        if self.scaler is None or self._inside:
            return True
        return super()._decide(optimizer)

    def _unscale(self, optimizer: Any) -> None:
        if self.scaler is not None and any(True for _ in gradients_of(optimizer)):
            self.scaler.unscale_(optimizer)  # once, whoever calls it
