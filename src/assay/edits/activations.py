"""`activation` as an edit: other classes where the model's activations are made."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from ..tricks.model.activation import KINDS, Activation
from .patch import Patch
from .reason import NotMechanicalError
from .script import Script
from .source import Source
from .variant import Variant, edit

Place = tuple[Source, cst.BaseExpression]


@edit(Activation)
def activation(script: Script, trick: Activation) -> Iterator[Variant]:
    """Changes them all, but one that may be the model's output, which the trick leaves alone."""
    new, old = KINDS[trick.kind], trick.instead_of
    kinds = set(KINDS.values()) - {new} if old == "any" else {KINDS[old]}
    wanted = {f"torch.nn.{kind}" for kind in kinds}
    places = [place for source in script.sources() for place in _places(source, wanted)]
    if not places:
        raise NotMechanicalError("no activation is made as a module of torch.nn in your files")
    yield lambda patch: _write(patch, places, new)
    for left in reversed(places[1:] if len(places) > 1 else []):
        kept = [place for place in places if place is not left]
        yield lambda patch, some=kept: _write(patch, some, new)  # type: ignore[misc]


def _places(source: Source, wanted: set[str]) -> list[Place]:
    """Yields every class of these, with its call if it is called."""
    found: list[Place] = []
    for name in [*source.all(cst.Attribute), *source.all(cst.Name)]:
        above = source.parent(name)
        if source.full_name(name) not in wanted or isinstance(
            above, (cst.Attribute, cst.ImportAlias)
        ):
            continue
        called = isinstance(above, cst.Call) and above.func is name
        found.append((source, above if called else name))  # type: ignore[arg-type]
    return sorted(found, key=lambda place: source.span(place[1]))


def _write(patch: Patch, places: list[Place], new: str) -> None:
    for source, node in places:
        func = node.func if isinstance(node, cst.Call) else node
        if not isinstance(func, cst.Attribute):
            raise NotMechanicalError(f"{source.line(node)}: use {new} there, and import it")
        spelled = f"{source.code(func.value)}.{new}"
        patch.exchange(source, node, f"{spelled}()" if isinstance(node, cst.Call) else spelled)
