"""`seed` as an edit: the script's own seed exchanged, or seeds behind the imports."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from ..tricks.data.seed import Seed
from .arguments import UNKNOWN, literal
from .imports import imported, last_import, spelled
from .patch import Patch
from .reason import NotMechanicalError
from .script import Script
from .variant import Variant, edit

_SEEDERS = ("torch.manual_seed", "random.seed", "numpy.random.seed")


@edit(Seed)
def seed(script: Script, trick: Seed) -> Iterator[Variant]:
    """Changes every literal seed; where there is none, seeds each imported generator once."""
    yield lambda patch: _write(patch, script, str(int(trick.seed)))


def _write(patch: Patch, script: Script, value: str) -> None:
    found = False
    for source in script.sources():
        for call in source.all(cst.Call):
            if source.full_name(call.func) in _SEEDERS and call.args:
                if literal(source, call.args[0].value) is UNKNOWN:
                    given = source.code(call.args[0].value)
                    raise NotMechanicalError(f"it comes from {given}: make it {value} there")
                patch.exchange(source, call.args[0].value, value)
                found = True
    if found:
        return
    source = script.callers("optimizer")[0].source
    known, last = imported(source), last_import(source)
    if last is None:
        raise NotMechanicalError(f"call torch.manual_seed({value}) at the top of the script")
    owners = [name for name in ("random", "numpy") if name in known]
    names = [
        "torch.manual_seed",
        *(f"{n}.random.seed" if n == "numpy" else f"{n}.seed" for n in owners),
    ]
    patch.after(source, last, *(f"{spelled(patch, source, name)}({value})" for name in names))
