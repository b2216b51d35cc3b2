"""What to try where a rate is too high, or looks it."""

from __future__ import annotations

from ...journal.view import RunView
from ..finding import Remedy

_RECURRENT = ("RNN", "GRU", "LSTM")


def what_to_try(run: RunView, rate: float, factor: float) -> tuple[tuple[str, ...], list[Remedy]]:
    """Returns advice and remedies.

    In a recurrent net one matrix acts at every step: its scale, raised to the power of the length,
    shows as a loss surface too steep for any rate (Pascanu, Mikolov and Bengio 2013, section 2.1).

    Args:
        run: What was recorded.
        rate: The script's.
        factor: What it is to be multiplied by, as far as was measured.
    """
    advice = (f"a rate of about {rate * factor:.2g} instead of {rate:.3g}",)
    first, others = (
        Remedy("lr", f"x{factor:.2g}"),
        [
            Remedy("warmup", "100"),
            # the factor was measured on a surface that a good run never sees
            *(Remedy("lr", nearer) for nearer in ("x0.3", "x0.1", "x0.03")),
            Remedy("clip-norm", "1.0"),
        ],
    )
    if not any(module.kind in _RECURRENT for module in run.modules):
        return advice, [first, *others]
    orthogonal = Remedy("init", "orthogonal")
    return (*advice, "recurrent weights drawn orthogonally"), [first, orthogonal, *others]
