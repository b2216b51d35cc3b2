"""What the tricks share that give an optimizer's groups another setting."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..base import Trick

if TYPE_CHECKING:
    from ..stage import Stage


class SettingTrick(Trick):
    """Changes settings of groups for good, from when an optimizer is built until it is detached."""

    unfit = "no optimizer of the script has this setting"

    def settings(self, optimizer: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Returns new settings of a group; empty if the trick is not for this optimizer."""
        raise NotImplementedError

    def attach_to(self, stage: Stage) -> None:
        """Sets them where they are, where they come, and again where a checkpoint was loaded."""
        self._before: list[tuple[weakref.ref[Any], int, str, Any]] = []
        fits: weakref.WeakSet[Any] = weakref.WeakSet()

        def apply(optimizer: Any, *_: Any) -> None:
            if not hasattr(optimizer, "param_groups") or not stage.meant(optimizer):
                return
            done = {(i, key) for ref, i, key, _ in self._before if ref() is optimizer}
            for index, group in enumerate(optimizer.param_groups):
                for key, value in self.settings(optimizer, group).items():
                    fits.add(optimizer)
                    if (index, key) not in done:
                        self._before.append((weakref.ref(optimizer), index, key, group[key]))
                    group[key] = value

        def first(optimizer: Any, *_: Any) -> None:
            if not fits and stage.meant(optimizer):
                stage.refuse(self.name, self.unfit)

        stage.each_optimizer(apply)
        stage.on("group_added", apply)
        stage.on("load_state", apply)
        stage.on("step_begin", first)
        stage.patches.on_undo(self._put_back)

    def _put_back(self) -> None:
        while self._before:
            ref, index, key, value = self._before.pop()
            optimizer = ref()
            if optimizer is not None and index < len(optimizer.param_groups):
                group = optimizer.param_groups[index]
                if key in group:
                    group[key] = value
