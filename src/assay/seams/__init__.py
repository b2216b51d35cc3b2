"""Where assay stands inside torch: the only code that wraps torch's own functions.

One file per seam. A seam notices that something happened (a loss was computed, a step begins) and
announces it on the hub; it never reads a value and never decides anything. Probes listen and
record, tricks listen and act.
"""

from . import (
    activation,
    backward,
    built,
    children,
    clipping,
    compiling,
    construction,
    distributed,
    distributions,
    dropout,
    functional,
    gate,
    gradmode,
    initialisation,
    leaving,
    loader,
    loss,
    modes,
    module,
    optimizer,
    precision,
    root,
    saving,
    scheduler,
    seeds,
    state,
    values,
    zero_grad,
)
from .hub import Hub as Hub
from .patch import Patches

ALL = (
    optimizer,
    zero_grad,
    backward,
    loss,
    module,
    activation,
    loader,
    scheduler,
    clipping,
    precision,
    modes,
    gradmode,
    values,
    leaving,
    initialisation,
    state,
    saving,
    seeds,
    compiling,
    functional,
    distributed,
    children,
    distributions,
    dropout,
    root,
    construction,
    built,
    gate,
)


def install(hub: Hub) -> Patches:
    """Puts every seam in place; the returned patches undo them all."""
    patches = Patches()
    for seam in ALL:
        try:
            seam.install(hub, patches)
        except Exception as error:  # a torch that lacks one function must not cost us the others
            hub.contain(f"seam {seam.__name__.rsplit('.', 1)[-1]}", error)
    return patches
