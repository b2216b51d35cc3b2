"""What a fault does to a training: the words in which checks say what they lead to.

A check never names another check. It says which effects it *is* (`is_effect`: a loss that is NaN is
NOT_FINITE) and which effects it *leads to* (`leads_to`: gradients that are never cleared lead to
NOT_LEARNING). `diagnosis/causes.py` draws the edges from that, from where in training a fault sits
(its level), and from scope and time.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class Effect(Enum):
    """What is seen of a fault in a training, and what that means in plain words.

    The order is that in which one brings on the next: where two effects arise in training, the one
    that stands first here can be a cause of the other, never the reverse.
    """

    RANKS_APART = "ranks that should hold the same weights hold different ones"
    STARTS_HIGH = "the loss begins far above that of a guess"
    EXPLODING = "gradients grow far beyond their usual size"
    RATE_TOO_HIGH = "steps are longer than the loss surface allows"
    RATE_TOO_LOW = "steps are far shorter than the loss surface allows"
    DEAD = "units give zero for every sample"
    SATURATED = "activations lie at their bounds, where they have no slope"
    VANISHING = "gradients die away from the last layer to the first"
    COLLAPSED = "the answer is the same whatever the model is given"
    DIVERGING = "the loss rises, and goes on rising"
    NOT_FINITE = "the loss is NaN or infinite"
    MODES_DIFFER = "the model answers worse in evaluation mode than in training mode"
    OVERFITTING = "the held-out loss rises while the training loss falls"
    SLOW = "training gets ahead more slowly than it could"
    NOT_LEARNING = "the loss does not get below that of a constant prediction"

    @property
    def follows(self) -> str:
        """How it comes of another fault, where that one's check does not say it better."""
        return f"with it, {self.value}"

    @property
    def rank(self) -> int:
        """Its place in the order of causation."""
        return list(Effect).index(self)


STATES = frozenset(
    {Effect.STARTS_HIGH, Effect.EXPLODING, Effect.DEAD, Effect.SATURATED, Effect.VANISHING}
)
"""Effects that a network can show before its first update: then no optimizer has brought them on.
All others are judgements on what training did."""


class Level(IntEnum):
    """Where in training a fault sits; it can be a cause only of what sits higher."""

    DATA = 0
    MODEL = 1
    LOSS = 2
    GRADIENT = 3
    INITIAL = 4
    """A state of the network at the first step, before any update."""
    OPTIMIZER = 5
    OUTCOME = 6
    """What training came to."""


LEVELS: dict[str, Level] = {
    "data": Level.DATA,
    "reproducibility": Level.DATA,
    "model": Level.MODEL,
    "loss": Level.LOSS,
    "precision": Level.GRADIENT,
    "gradient": Level.GRADIENT,
    "distributed": Level.GRADIENT,
    "optimizer": Level.OPTIMIZER,
    "schedule": Level.OPTIMIZER,
    "gan": Level.OPTIMIZER,
    "generalisation": Level.OUTCOME,
}
"""The level of a family's faults, MODEL for a family of one's own; a check that is an effect is an
outcome, whatever its family."""
