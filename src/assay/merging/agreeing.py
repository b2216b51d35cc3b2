"""Whether checkpoints are of one model: the same names, shapes, types and ties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .checkpoint import Checkpoint
from .errors import MergeError

WRAPPERS = {
    "module.": "DataParallel or DistributedDataParallel",
    "_orig_mod.": "torch.compile",
}
SHOWN = 3


def agree(files: Sequence[Checkpoint], *, types: bool = True) -> None:
    """Returns if all have the tensors of the first.

    Args:
        files: The first is what the others are compared with.
        types: Whether their types must be the same too.

    Raises:
        MergeError: They don't.
    """
    first, *rest = files
    for other in rest:
        _same_names(first, other)
        _same(first, other, "shape")
        if types:
            _same(first, other, "dtype")
        for name, entry in first.entries.items():
            tied = other.entries[name].tied
            if tied != entry.tied:
                one, two = (other, first) if tied != name else (first, other)
                partner = tied if tied != name else entry.tied
                raise MergeError(
                    f"{one.path} ties {name} to {partner}, {two.path} does not: merged they "
                    "could be neither; save both from the same model"
                )


def _same_names(first: Checkpoint, other: Checkpoint) -> None:
    lacks = [name for name in first.entries if name not in other.entries]
    more = [name for name in other.entries if name not in first.entries]
    if not lacks and not more:
        return
    for prefix, what in WRAPPERS.items():
        for one, two in ((first, other), (other, first)):
            if {name.removeprefix(prefix) for name in one.entries} == set(two.entries):
                raise MergeError(
                    f"{one.path} was saved from within {what} ({prefix}* before each name), "
                    f"{two.path} was not: save model.{prefix.strip('.')}.state_dict()"
                )
    said = [f"lacks {listed(lacks)}"] * bool(lacks) + [f"also has {listed(more)}"] * bool(more)
    raise MergeError(f"{other.path} {' and '.join(said)}, unlike {first.path}")


def _same(first: Checkpoint, other: Checkpoint, what: str) -> None:
    differ = [
        name
        for name, entry in first.entries.items()
        if getattr(entry, what) != getattr(other.entries[name], what)
    ]
    if not differ:
        return
    name = differ[0]
    one, two = (_said(getattr(file.entries[name], what)) for file in (first, other))
    more = f" (and {len(differ) - 1} more)" if len(differ) > 1 else ""
    hint = "; --dtype float32 merges them in that" if what == "dtype" else ""
    raise MergeError(f"{name} is {one} in {first.path} and {two} in {other.path}{more}{hint}")


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return "×".join(map(str, value)) or "a single number"
    return str(value).removeprefix("torch.")


def listed(names: Iterable[str]) -> str:
    """Returns the first few names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
