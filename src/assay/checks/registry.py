"""All checks, family by family: the index that a newcomer reads."""

from __future__ import annotations

from .base import Check
from .data.data_not_shuffled import DataNotShuffled
from .data.input_not_finite import InputNotFinite
from .data.input_not_normalised import InputNotNormalised
from .gradient.exploding_gradient import ExplodingGradient
from .gradient.vanishing_gradient import VanishingGradient
from .gradient.zero_grad_missing import ZeroGradMissing
from .loss.loss_detached import LossDetached
from .loss.loss_not_decreasing import LossNotDecreasing
from .loss.loss_not_finite import LossNotFinite
from .loss.loss_shape_broadcast import LossShapeBroadcast
from .loss.softmax_before_cross_entropy import SoftmaxBeforeCrossEntropy
from .model.dead_units import DeadUnits
from .model.eval_mode_in_training import EvalModeInTraining
from .model.saturated_activation import SaturatedActivation
from .model.symmetric_initialisation import SymmetricInitialisation
from .optimizer.learning_rate_too_high import LearningRateTooHigh
from .optimizer.learning_rate_too_low import LearningRateTooLow
from .optimizer.parameters_outside_optimizer import ParametersOutsideOptimizer

CHECKS: tuple[Check, ...] = (
    InputNotFinite(),
    InputNotNormalised(),
    DataNotShuffled(),
    SoftmaxBeforeCrossEntropy(),
    LossShapeBroadcast(),
    LossNotFinite(),
    LossNotDecreasing(),
    LossDetached(),
    SymmetricInitialisation(),
    DeadUnits(),
    SaturatedActivation(),
    EvalModeInTraining(),
    ZeroGradMissing(),
    VanishingGradient(),
    ExplodingGradient(),
    ParametersOutsideOptimizer(),
    LearningRateTooHigh(),
    LearningRateTooLow(),
)  # fmt: skip


def by_name(name: str) -> Check | None:
    """The check of this name."""
    return next((check for check in CHECKS if check.name == name), None)
