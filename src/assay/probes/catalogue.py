"""The probes that a session starts, in the order in which they hear of an event."""

from __future__ import annotations

from ..watching.probe import Probe
from .activations import Activations
from .averages import Averages
from .batches import Batches
from .boxes import Boxes
from .callers import Callers
from .changed_data import ChangedData
from .clearing import Clearing
from .clipping import Clipping
from .comparable import Comparable
from .counted import Counted
from .cuts import Cuts
from .domains import Domains
from .drawn import Drawn
from .evaluation import Evaluation
from .evaluation_modes import EvaluationModes
from .forensics import Forensics
from .freezing import Freezing
from .gradients import Gradients
from .half_gradients import HalfGradients
from .half_masks import HalfMasks
from .half_ranges import HalfRanges
from .held_out import HeldOut
from .kept_weights import KeptWeights
from .loaders import Loaders
from .loading import Loading
from .lookahead import Lookahead
from .loss_graph import LossGraph
from .loss_weights import LossWeights
from .losses import Losses
from .mode_gap import ModeGap
from .neighbours import Neighbours
from .norm_statistics import NormStatistics
from .notes import Notes
from .optimizers import Optimizers
from .origins import Origins
from .overwritten import Overwritten
from .pace import Pace
from .pairs import Pairs
from .passes import Passes
from .predictions import Predictions
from .questions.probe import FirstQuestions, Questions
from .rates import Rates
from .resuming import Resuming
from .sample_order import SampleOrder
from .scaling import Scaling
from .schedules import Schedules
from .setup import Setup
from .sharpness import Sharpness
from .step_quality import StepQuality
from .structure import Structure
from .symmetry import Symmetry
from .wasted import Wasted

PROBES: tuple[type[Probe], ...] = (
    Structure,
    Optimizers,
    Cuts,
    Notes,
    Pace,
    Loaders,
    ChangedData,
    Loading,
    Resuming,
    Schedules,
    Rates,
    Scaling,
    Passes,
    Clipping,
    Batches,
    Losses,
    Neighbours,
    Domains,
    Pairs,
    Boxes,
    LossGraph,
    LossWeights,
    Predictions,
    Origins,
    Forensics,
    Counted,
    HalfMasks,
    HalfRanges,
    Overwritten,
    Activations,
    Freezing,
    Gradients,
    Clearing,
    Wasted,
    Symmetry,
    Drawn,
    HalfGradients,
    StepQuality,
    Sharpness,
    Lookahead,
    Evaluation,
    HeldOut,
    EvaluationModes,
    Averages,
    KeptWeights,
    NormStatistics,
    ModeGap,
    SampleOrder,
    Questions,
    FirstQuestions,
    Setup,
)

IN_TRIALS: tuple[type[Probe], ...] = (Comparable, Callers)
"""Where a trial asks for them: they cost more than a run that is only watched may pay."""
