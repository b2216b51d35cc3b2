"""Probe: when the script keeps the weights of a model."""

from __future__ import annotations

from typing import Any, ClassVar

from ...watching.probe import Probe

STEPS_AT_MOST = 4096


class KeptWeights(Probe):
    """Notes at which steps weights were taken, copied or saved.

    Signal `weights_kept` at place "": 1 at the step that training had reached when `state_dict()`
    was called on a module, a module was copied or given to `torch.save`; at most 4,096 of them.
    """

    name = "kept_weights"
    always: ClassVar = ("weights_kept",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._recorder = watch.new_recorder()
        self._last: tuple[int, int] | None = None
        self._room = STEPS_AT_MOST

    def on_weights_kept(self, module: Any) -> None:
        """Notes the step, once."""
        trainings = self.watch.trainings
        if not trainings:
            return
        at = trainings[-1].index, trainings[-1].step
        if at != self._last and self._room:
            self._last, self._room = at, self._room - 1
            self._recorder.put("weights_kept", "", 1.0)
            self._recorder.close(*at)
            if not self._room:
                self.watch.skip("weights_kept", f"weights were kept at {STEPS_AT_MOST:,} steps")
