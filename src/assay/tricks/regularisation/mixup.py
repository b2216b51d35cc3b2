"""The trick `mixup`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base import Trick, value
from .mixing import mix_batches

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage


class Mixup(Trick):
    """Trains on weighted means of two samples and of their labels.

    ## What it does
    In training calls each sample of the batch is mixed with another one, drawn at random, with one
    share for the whole batch; the cross-entropy gets the same mixture of the two labels.
    Evaluations see the data as they are.

    ## Formula
    `x = l x_i + (1 - l) x_j`, `y = l y_i + (1 - l) y_j`, l ~ Beta(alpha, alpha). Source: Zhang,
    Cisse, Dauphin, Lopez-Paz 2018, "mixup: Beyond Empirical Risk Minimization", section 2.

    ## When
    Over-fitting classifiers of images, sound or tables; alpha 0.1 to 0.4.

    ## Cost
    One more copy of the batch.

    ## Conflicts and order
    Not together with `cutmix`. Before `label-smoothing`. It draws from torch's global generator.

    ## Common mistakes
    Reading the training accuracy: it means nothing while samples are mixed.
    """

    name = "mixup"
    family = "regularisation"
    changes_loss = "training"
    changes_answers = True
    alpha: float = value(default=0.2, low=0, open_low=True, help="alpha of the Beta distribution")
    conflicts = ("cutmix",)

    def attach_to(self, stage: Stage) -> None:
        """Mixes inputs and labels."""

        def mix(source: Tensor, order: Tensor, share: float) -> tuple[Tensor, float]:
            return share * source + (1 - share) * source[order], share

        mix_batches(stage, self.name, float(self.alpha), mix)
