"""All tricks, in the order in which they act; the one place that defines it.

At a seam where several tricks act, the one that stands earlier here acts first: data before model,
model before optimizer, accumulation before everything that reads finished gradients, skipping
before centralising, that before clipping, clipping before the step, averaging after it.
"""

from __future__ import annotations

from collections.abc import Iterable

from .averaging.ema import Ema
from .averaging.lookahead import Lookahead
from .averaging.swa import Swa
from .base import Trick, TrickError
from .data.balance_classes import BalanceClasses
from .data.ignore_index import IgnoreIndex
from .data.logits import Logits
from .data.match_target_shape import MatchTargetShape
from .data.normalise_input import NormaliseInput
from .data.seed import Seed
from .data.shuffle import Shuffle
from .gan.gradient_penalty import GradientPenalty
from .gan.judge_steps import JudgeSteps
from .gan.soft_labels import SoftLabels
from .gan.two_time_scales import TwoTimeScales
from .gradients.accumulate import Accumulate
from .gradients.add_parameters import AddParameters
from .gradients.centralise_gradients import CentraliseGradients
from .gradients.clip_adaptive import ClipAdaptive
from .gradients.clip_norm import ClipNorm
from .gradients.clip_percentile import ClipPercentile
from .gradients.clip_value import ClipValue
from .gradients.skip_non_finite import SkipNonFinite
from .gradients.zero_grad import ZeroGrad
from .model.activation import Activation
from .model.freeze import Freeze
from .model.init import Init
from .model.norm import Norm
from .model.train_mode import TrainMode
from .model.unfreeze import Unfreeze
from .optimizer.betas import Betas
from .optimizer.eps import Eps
from .optimizer.layer_decay import LayerDecay
from .optimizer.momentum import Momentum
from .optimizer.optimizer import Optimizer
from .optimizer.scale_lr_with_batch import ScaleLrWithBatch
from .optimizer.weight_decay import WeightDecay
from .precision.amp import Amp
from .precision.float32_islands import Float32Islands
from .precision.use_scaler import UseScaler
from .rate.lr import Lr
from .rate.schedule import Schedule
from .rate.warmup import Warmup
from .regularisation.cutmix import Cutmix
from .regularisation.distill import Distill
from .regularisation.drop_path import DropPath
from .regularisation.dropout import Dropout
from .regularisation.early_stop import EarlyStop
from .regularisation.ewc import Ewc
from .regularisation.label_smoothing import LabelSmoothing
from .regularisation.mixup import Mixup
from .regularisation.spectral_norm import SpectralNorm

TRICKS: tuple[type[Trick], ...] = (
    Seed,
    NormaliseInput,
    Shuffle,
    TrainMode,
    Activation,
    Norm,
    Dropout,
    DropPath,
    Init,
    SpectralNorm,
    Freeze,
    Unfreeze,
    Logits,
    MatchTargetShape,
    IgnoreIndex,
    BalanceClasses,
    Mixup,
    Cutmix,
    LabelSmoothing,
    Distill,
    SoftLabels,
    GradientPenalty,
    JudgeSteps,
    AddParameters,
    EarlyStop,
    Amp,
    UseScaler,
    Float32Islands,
    Accumulate,
    SkipNonFinite,
    Ewc,
    CentraliseGradients,
    ClipPercentile,
    ClipAdaptive,
    ClipNorm,
    ClipValue,
    ZeroGrad,
    Optimizer,
    Betas,
    Eps,
    Momentum,
    ScaleLrWithBatch,
    Lr,
    TwoTimeScales,
    Schedule,
    Warmup,
    WeightDecay,
    LayerDecay,
    Lookahead,
    Ema,
    Swa,
)  # fmt: skip


def by_name(name: str) -> type[Trick]:
    """Returns the trick of this name; TrickError with a suggestion if there is none."""
    for trick in TRICKS:
        if trick.name == name:
            return trick
    from difflib import get_close_matches

    close = get_close_matches(name, [t.name for t in TRICKS], 1)
    hint = f"; did you mean {close[0]}?" if close else "; `assay tricks` lists them"
    raise TrickError(f"unknown trick {name!r}{hint}")


def in_order(tricks: Iterable[Trick]) -> tuple[Trick, ...]:
    """Sorts tricks as they act; TrickError if two can't stand together."""
    tricks = tuple(tricks)
    names = [trick.name for trick in tricks]
    for trick in tricks:
        if names.count(trick.name) > 1:
            raise TrickError(f"{trick.name} is given more than once")
        for other in trick.conflicts:
            if other in names:
                raise TrickError(f"{trick.name} and {other} can't be used together")
    return tuple(sorted(tricks, key=lambda trick: TRICKS.index(type(trick))))
