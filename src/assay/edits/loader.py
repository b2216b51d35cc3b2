"""`shuffle` as an edit: `shuffle=True` where the training's DataLoader is built."""

from __future__ import annotations

from collections.abc import Iterator

from ..tricks.data.shuffle import Shuffle
from .arguments import argument, set_value
from .patch import Patch
from .reason import NotMechanicalError
from .script import Script
from .variant import Variant, edit


@edit(Shuffle)
def shuffle(script: Script, trick: Shuffle) -> Iterator[Variant]:
    """Shuffles at each loader that reads in order and that the script trains from."""
    wanted = {
        event.data.get("number")
        for event in script.events("loading")
        if event.data.get("sampler") == "SequentialSampler"
    }
    yield lambda patch: _write(patch, script, wanted)


def _write(patch: Patch, script: Script, wanted: set[int | None]) -> None:
    built = [c for c in script.callers("loader") if c.facts.get("number") in wanted]
    if not built:
        raise NotMechanicalError("the line that builds the DataLoader is not known")
    for caller in built:
        for other in ("sampler", "batch_sampler"):
            if argument(caller.source, caller.call, other) is not None:
                raise NotMechanicalError(f"the DataLoader has a {other} of its own")
        set_value(patch, script, caller, "shuffle", lambda old: "True", position=2)
