"""Which module a parameter belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..stage import Stage


class Owners:
    """Finds the modules that own a parameter; a shared one has several."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._found: dict[int, list[tuple[Any, str]]] = {}
        if not stage.models:
            stage.hub.changes.switches["construction"].start()

    def of(self, parameter: Any) -> list[tuple[Any, str]]:
        """Returns (module, name in it) of each owner; none if the module is not known."""
        if id(parameter) not in self._found:
            self._found = {}
            for module in self._modules():
                for name, p in module._parameters.items():
                    if p is not None:
                        self._found.setdefault(id(p), []).append((module, name))
        return self._found.get(id(parameter), [])

    def root(self, parameters: list[Any]) -> Any:
        """Returns the outermost module that owns most of these parameters; None if none does."""
        roots = self._stage.models or self._stage.hub.changes.switches["construction"].roots(
            parameters
        )
        wanted = {id(p) for p in parameters}
        shares = [(sum(id(p) in wanted for p in root.parameters()), root) for root in roots]
        found = max(shares, key=lambda share: share[0])[1] if shares else None
        while found is not None and not found._parameters and len(found._modules) == 1:
            [found] = found._modules.values()  # a wrapper, such as a compiled or a parallel model
        return found

    def _modules(self) -> list[Any]:
        if self._stage.models:
            return [part for model in self._stage.models for part in model.modules()]
        known: list[Any] = self._stage.hub.changes.switches["construction"].modules()
        return known
