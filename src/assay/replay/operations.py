"""One recorded operation of torch: what was called, with what, and what it must give again."""

from __future__ import annotations

from typing import Any

import torch

from .structure import NotReplayable, Path, follow, leaves

_NORMS = (torch.ops.aten.native_batch_norm.default, torch.ops.aten.cudnn_batch_norm.default)
"""Arguments 3 to 5: running mean, running variance, and whether the batch's own are taken."""


_DROPS = torch.ops.aten.bernoulli_.float, torch.ops.aten.native_dropout.default
"""Which of the elements dropout keeps; on a CPU their share divides the result afterwards."""


class Slot:
    """Stands for a tensor among the arguments of a recorded operation."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Operation:
    """One operation: what was called, where its arguments come from, what it must give."""

    __slots__ = ("args", "differentiable", "found", "function", "grad", "kwargs", "made", "node")

    def __init__(self, function: Any, args: Any, kwargs: Any, *, grad: bool) -> None:
        self.function, self.args, self.kwargs, self.grad = function, args, kwargs, grad
        self.node: int | None = None
        """Number of its node in the graph, by which `Lines` knows the user's line."""
        self.made: list[tuple[Path, int, torch.Size, torch.dtype]] = []
        self.found: list[tuple[Path, Any]] = []
        self.differentiable = False  # a detach of torch's own that cuts no gradient

    def needs(self) -> list[int]:
        """Returns the numbers of the tensors among the arguments."""
        parts = (part for _, part in leaves((self.args, list(self.kwargs.values()))))
        return [part.number for part in parts if isinstance(part, Slot)]

    @property
    def name(self) -> str:
        """Its name in torch, such as `addmm`; "" where values were read."""
        name = str(getattr(getattr(self.function, "_schema", None), "name", "")).rpartition(":")[2]
        if "scaled_dot_product" in name:  # each kind of device has several
            return "scaled_dot_product_attention"
        return name.strip("_")

    def play(
        self,
        values: dict[int, torch.Tensor],
        *,
        grad: bool,
        still: bool = False,
        whole: bool = False,
    ) -> None:
        """Computes this operation again, taking arguments from `values` and adding its results.

        Args:
            values: tensors by number.
            grad: whether the result is to have a graph.
            still: whether a norm over the batch takes its running statistics, as in evaluation.
            whole: whether dropout keeps every element, as in evaluation.

        Raises:
            NotReplayable: what is found is not what the program found.
        """
        args = _filled(self.args, values)
        if self.function is None:
            if not torch.equal(args[0].nan_to_num(), self.found[0][1].nan_to_num()):
                raise NotReplayable("the script reads values of tensors, which would be other ones")
            return
        kwargs = {name: _filled(value, values) for name, value in self.kwargs.items()}
        function = self.function
        if grad and self.differentiable:
            function = torch.ops.aten.alias.default
        torch.set_grad_enabled(grad and self.grad)
        made = self.made
        if still and function in _NORMS and args[3] is not None:
            args, made = [*args[:5], False, *args[6:]], made[:1]
        if whole and function in _DROPS:
            result = _kept(function, args)
        else:
            result = function._op(*args, **kwargs)
        for path, slot, shape, dtype in made:
            value = follow(result, path)
            if value is None:  # what only a backward pass would need
                values.pop(slot, None)
                continue
            if value.shape != shape or value.dtype != dtype:
                raise NotReplayable("a tensor has another size than the script found")
            values[slot] = value
        for path, expected in self.found:
            value = follow(result, path)
            if value != expected and (value == value or expected == expected):
                raise NotReplayable("the script reads values of tensors, which would be other ones")


def _kept(function: Any, args: Any) -> Any:
    """Returns what a dropout that drops nothing has drawn."""
    if function is _DROPS[0]:
        return args[0].fill_(args[1] if len(args) > 1 else 0.5)
    return args[0].clone(), torch.ones_like(args[0], dtype=torch.bool)


def _filled(value: Any, values: dict[int, torch.Tensor]) -> Any:
    if isinstance(value, Slot):
        try:
            return values[value.number]
        except KeyError:
            raise NotReplayable("the loss takes what the model made on its way") from None
    return [_filled(part, values) for part in value] if type(value) is list else value


def last_uses(operations: list[Operation], wanted: list[int]) -> tuple[dict[int, list[int]], int]:
    """Returns which values each operation is the last to need, and where playing may end."""
    needed, until = set(wanted), 0
    for index, operation in enumerate(operations):
        if any(slot in needed for _, slot, _, _ in operation.made):
            until = index + 1
    last: dict[int, int] = {}
    for index, operation in enumerate(operations[:until]):
        for slot in (*operation.needs(), *(slot for _, slot, _, _ in operation.made)):
            last[slot] = index
    ends: dict[int, list[int]] = {}
    for slot, index in last.items():
        if slot not in needed:
            ends.setdefault(index, []).append(slot)
    return ends, until
