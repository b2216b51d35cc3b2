"""The probes that a session starts, in the order in which they hear of an event."""

from __future__ import annotations

from ..watching.probe import Probe
from .data.batches import Batches
from .data.changed_data import ChangedData
from .data.loaders import Loaders
from .data.neighbours import Neighbours
from .distributed.deaths import Deaths
from .distributed.ranks import Ranks
from .distributed.saves import Saves
from .distributed.shards import Shards
from .distributed.standstill import Standstill
from .evaluation.averages import Averages
from .evaluation.evaluation import Evaluation
from .evaluation.evaluation_modes import EvaluationModes
from .evaluation.held_out import HeldOut
from .evaluation.kept_weights import KeptWeights
from .evaluation.mode_gap import ModeGap
from .gan.penalties import Penalties
from .gan.players import Players
from .gradient.clearing import Clearing
from .gradient.clipping import Clipping
from .gradient.closures import Closures
from .gradient.cuts import Cuts
from .gradient.derivatives import Derivatives
from .gradient.gradients import Gradients
from .gradient.overwritten import Overwritten
from .gradient.passes import Passes
from .gradient.wasted import Wasted
from .loss.boxes import Boxes
from .loss.counted import Counted
from .loss.domains import Domains
from .loss.forensics import Forensics
from .loss.loss_graph import LossGraph
from .loss.loss_weights import LossWeights
from .loss.losses import Losses
from .loss.origins import Origins
from .loss.pairs import Pairs
from .loss.predictions import Predictions
from .model.activations import Activations
from .model.drawn import Drawn
from .model.freezing import Freezing
from .model.loading import Loading
from .model.lookahead import Lookahead
from .model.norm_statistics import NormStatistics
from .model.resuming import Resuming
from .model.sample_order import SampleOrder
from .model.structure import Structure
from .model.symmetry import Symmetry
from .optimizer.optimizers import Optimizers
from .optimizer.sharpness import Sharpness
from .optimizer.step_quality import StepQuality
from .precision.half_gradients import HalfGradients
from .precision.half_masks import HalfMasks
from .precision.half_ranges import HalfRanges
from .precision.scaling import Scaling
from .questions.probe import FirstQuestions, Questions
from .run.callers import Callers
from .run.comparable import Comparable
from .run.notes import Notes
from .run.pace import Pace
from .run.setup import Setup
from .schedule.rates import Rates
from .schedule.schedules import Schedules

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
    Players,
    Penalties,
    Clipping,
    Closures,
    Derivatives,
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
    Ranks,
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
    Deaths,
    Saves,
    Shards,
    Standstill,
)

IN_TRIALS: tuple[type[Probe], ...] = (Comparable, Callers)
"""Where a trial asks for them: they cost more than a run that is only watched may pay."""
