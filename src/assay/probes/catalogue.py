"""The probes that a session starts, in the order in which they hear of an event."""

from __future__ import annotations

from ..watching.probe import Probe
from .activations import Activations
from .batches import Batches
from .callers import Callers
from .comparable import Comparable
from .evaluation import Evaluation
from .gradients import Gradients
from .losses import Losses
from .notes import Notes
from .optimizers import Optimizers
from .origins import Origins
from .pace import Pace
from .setup import Setup
from .sharpness import Sharpness
from .step_quality import StepQuality
from .structure import Structure
from .symmetry import Symmetry

PROBES: tuple[type[Probe], ...] = (
    Structure,
    Optimizers,
    Notes,
    Pace,
    Batches,
    Losses,
    Origins,
    Activations,
    Gradients,
    Symmetry,
    StepQuality,
    Sharpness,
    Evaluation,
    Setup,
)

IN_TRIALS: tuple[type[Probe], ...] = (Comparable, Callers)
"""Where a trial asks for them: they cost more than a run that is only watched may pay."""
