"""The trick `label-smoothing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value

if TYPE_CHECKING:
    from ..stage import Stage


class LabelSmoothing(Trick):
    """Trains towards a mixture of the label and the uniform distribution.

    ## What it does
    Adds `label_smoothing` to every cross-entropy that is computed with gradients on. Losses of
    evaluations stay as they are, so that they can be compared.

    ## Formula
    The true class gets `1 - eps + eps / K`, the K - 1 others `eps / K` each. Source: Szegedy,
    Vanhoucke, Ioffe, Shlens, Wojna 2016, "Rethinking the Inception Architecture", section 7;
    torch's own.

    ## When
    Over-confident classifiers, noisy labels. 0.1 is common; not for a teacher whose outputs will be
    distilled (Müller, Kornblith, Hinton 2019).

    ## Cost
    None to speak of.

    ## Conflicts and order
    Refused where the script smooths already, since labels would be smoothed twice. `mixup` and
    `cutmix` make soft targets, which are smoothed once more by this trick as torch does it.

    ## Common mistakes
    Giving the true class `1 - eps`: it is `1 - eps + eps / K`. Comparing a smoothed training loss
    with an unsmoothed one.
    """

    name = "label-smoothing"
    family = "regularisation"
    changes_loss = "training"
    smoothing: float = value(default=0.1, low=0, high=1, open_high=True, help="eps, 0 to 1")

    def attach_to(self, stage: Stage) -> None:
        """Adds the argument before the loss is computed."""
        import torch

        def smooth(given: Any, name: str) -> Any:
            args, kwargs = given
            if name != "cross_entropy" or not torch.is_grad_enabled():
                return given
            if any(args[7:]) or kwargs.get("label_smoothing"):
                stage.refuse(self.name, "the script smooths its labels already")
            return args[:7], {**kwargs, "label_smoothing": self.smoothing}

        stage.change("loss", smooth)
