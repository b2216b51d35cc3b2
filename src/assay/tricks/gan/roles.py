"""What the tricks for two players share: which network judges, and which makes what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from ...watching.calls import Call
    from ..stage import Stage

PASSES_AT_MOST = 64
"""Backward passes without a judge after which a script has none: a long accumulation, or two."""


class Roles:
    """Follows calls of networks; a judge is one that is trained on what another has made as well.

    It is known as soon as it was given a batch of another network without its graph, and something
    else before or since.

    Args:
        trick: The trick that asks.
        stage: Where it acts.
    """

    def __init__(self, trick: str, stage: Stage) -> None:
        import weakref

        from ...watching.calls import Calls

        self.calls = Calls()
        self._trick, self._stage = trick, stage
        self._judges: weakref.WeakSet[Module] = weakref.WeakSet()
        self._makers: weakref.WeakSet[Module] = weakref.WeakSet()
        self._open: Call | None = None
        self._passes = 0
        self._arguments: dict[int, tuple[Any, Any]] = {}
        stage.root_calls(self._before, self._after)
        stage.change("backward", self._count)
        stage.on("step_end", self._let_go)

    def is_judge(self, module: Module | None) -> bool:
        """Whether this network is known to judge."""
        return module is not None and module in self._judges

    def of(self, optimizer: Any) -> str:
        """Returns `judge` or `maker`, by whose weights an optimizer holds; "" for neither or both.

        Args:
            optimizer: One that steps.
        """
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        kinds = [
            kind
            for kind, nets in (("judge", self._judges), ("maker", self._makers))
            if any(id(p) in held for net in nets for p in net.parameters())
        ]
        return kinds[0] if len(kinds) == 1 else ""

    @property
    def knows(self) -> bool:
        """Whether a judge is known."""
        return len(self._judges) > 0

    def nearest(self, result: Tensor) -> list[Call]:
        """Returns the calls of networks that are nearest to what was computed of them."""
        if result.grad_fn is None:
            return []
        return list(dict.fromkeys(call for _, call, _ in self.calls.ends(result.grad_fn)))

    def through(self, loss: Tensor) -> list[Call]:
        """Returns the calls of judges that are nearest to a loss."""
        return [call for call in self.nearest(loss) if self.is_judge(call.net())]

    def on_data(self, net: Module | None) -> Call | None:
        """Returns the last call of a network in this turn on what no other network has made."""
        return next(
            (
                call
                for call in reversed(self.calls.last)
                if call.net() is net
                and not (call.below or call.fed)
                and id(call) in self._arguments
            ),
            None,
        )

    def arguments(self, call: Call) -> tuple[Any, Any]:
        """Returns what a call of this turn was given, by position and by keyword."""
        return self._arguments.get(id(call), ((), {}))

    def _before(self, given: Any, module: Any) -> Any:
        if not type(module).__module__.startswith("torch.nn.utils"):  # a parametrization
            self._open = self.calls.begin(module, None, *given)
            self._arguments[id(self._open)] = given
        return given

    def _after(self, result: Any, module: Any) -> Any:
        call, self._open = self._open, None
        net = None if call is None else call.net()
        if call is not None and net is not None and net is module:
            self.calls.end(call, result)
            if call.wants and call.fed and self.calls.judges(net):
                self._judges.add(net)
                made = (call.fed[0], *call.fed[0].all_below())
                nets = (one.net() for one in made)
                self._makers.update(net for net in nets if net is not None)
        return result

    def _count(self, roots: Any) -> Any:
        self._passes += 1
        if self._passes > PASSES_AT_MOST and not self._judges:
            self._stage.refuse(
                self._trick,
                "no network was trained on what another one had made, and on something else, in "
                f"{PASSES_AT_MOST} backward passes: there are no players",
            )
        return roots

    def _let_go(self, optimizer: Any) -> None:
        self._arguments.clear()
        self.calls.let_go()
