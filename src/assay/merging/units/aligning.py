"""Puts the units of one checkpoint into the order in which they are most like those of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from ..agreeing import agree, listed
from ..checkpoint import Checkpoint
from ..errors import MergeError
from ..sharded import open_checkpoint
from ..writing import written
from .matching import assign
from .tracing import Spec

ROUNDS = 20
"""At most; on real networks a handful of rounds leaves nothing to gain."""
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""They move with their units but are no weights, and their scale would outvote those."""

Orders = dict[int, torch.Tensor]
"""By atom, which unit of the second checkpoint stands where: `aligned = other[order]`."""


def align(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the second input with its units in the order of the first.

    Weight matching of Ainsworth, Hayase and Srinivasa 2023, "Git Re-Basin", algorithm 1: one set
    of units after another is assigned so that the inner product of all weights it stands in is
    largest, until nothing is gained.

    Returns:
        `units`: how many can be permuted; `moved`: how many are.

    Raises:
        MergeError: The files don't fit each other or the axes, or it can't be written.
    """
    first, other = (open_checkpoint(path, asked.get("key")) for path in asked["inputs"])
    agree([first, other], types=False)
    spec: Spec = {name: [list(map(tuple, axis)) for axis in axes]
                  for name, axes in asked["spec"].items()}  # fmt: skip
    _fits(spec, first)
    orders = match(first, other, spec)
    with written(
        asked["output"], other.entries, other.metadata, asked.get("key"), other.versions
    ) as writer:
        for name, entry in other.entries.items():
            if entry.tied == name:
                writer.put(name, ordered(other.read(name), spec.get(name), orders))
    return {
        "units": sum(map(len, orders.values())),
        "moved": sum(int((o != torch.arange(len(o))).sum()) for o in orders.values()),
    }


def match(first: Checkpoint, other: Checkpoint, spec: Spec) -> Orders:
    """Returns the orders of all units."""
    sizes = {atom: size for axes in spec.values() for axis in axes for atom, size in axis}
    sizes.pop(-1, None)
    orders = {atom: torch.arange(size) for atom, size in sizes.items()}
    places = {
        atom: [
            name
            for name, axes in spec.items()
            if not name.endswith(STATISTICS)
            and first.entries[name].tied == name
            and any(atom == own for axis in axes for own, _ in axis)
        ]
        for atom in orders
    }

    def likeness(atom: int) -> float:
        return sum(
            float((_full(first, name) * ordered(_full(other, name), spec[name], orders)).sum())
            for name in places[atom]
        )

    for _ in range(ROUNDS):
        gained = False
        for atom, own in places.items():
            if not own:
                continue
            gains = torch.zeros(sizes[atom], sizes[atom], dtype=torch.float64)
            for name in own:
                for one, two in _rows(first, other, name, spec, orders, atom):
                    gains += one @ two.T
            was, before = orders[atom], likeness(atom)
            orders[atom] = assign(gains)
            # where a set of units stands on both sides of a weight its gains are no sum
            if likeness(atom) <= before + 1e-9 * abs(before):
                orders[atom] = was
            else:
                gained = True
        if not gained:
            break
    return orders


def ordered(tensor: torch.Tensor, axes: Any, orders: Orders, but: int | None = None) -> Any:
    """Returns a tensor with its units in their new order.

    Args:
        tensor: Of the second checkpoint.
        axes: Its atoms by axis; None if none may be permuted.
        orders: Of the atoms.
        but: The axis of atoms, counted over all, that is left as it is.
    """
    if axes is None:
        return tensor
    atoms = [pair for axis in axes for pair in axis]
    found = tensor.reshape([size for _, size in atoms])
    for place, (atom, _) in enumerate(atoms):
        if atom >= 0 and place != but:
            found = found.index_select(place, orders[atom])
    return found.reshape(tensor.shape)


def _rows(
    first: Checkpoint, other: Checkpoint, name: str, spec: Spec, orders: Orders, atom: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yields both tensors with the units in question as rows, once for each axis of them."""
    atoms = [pair for axis in spec[name] for pair in axis]
    shape = [size for _, size in atoms]
    one, two = _full(first, name), _full(other, name)
    for place, (own, _) in enumerate(atoms):
        if own == atom:
            rest = ordered(two, spec[name], orders, but=place).reshape(shape)
            yield (
                one.reshape(shape).movedim(place, 0).reshape(shape[place], -1),
                rest.movedim(place, 0).reshape(shape[place], -1),
            )


def _full(file: Checkpoint, name: str) -> torch.Tensor:
    return file.read(name).double()


def _fits(spec: Spec, first: Checkpoint) -> None:
    """Refuses axes that are not those of the checkpoint."""
    for name, axes in spec.items():
        if name not in first.entries:
            raise MergeError(
                f"the model that was called has {name}, {first.path} has {listed(first.entries)}"
            )
        shape = tuple(torch.Size([size for _, size in axis]).numel() for axis in axes)
        if shape != first.entries[name].shape:
            raise MergeError(
                f"{name} of the model that was called has another shape than in {first.path}"
            )
