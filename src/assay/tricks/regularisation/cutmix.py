"""The trick `cutmix`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base import Trick, value
from .mixing import mix_batches

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage


class Cutmix(Trick):
    """Trains on images with a rectangle of another image pasted in, and labels mixed by area.

    ## What it does
    In training calls one rectangle, at the same place in all images of the batch, is taken from
    another image of the batch; the label's share is the share of the area that is left.

    ## Formula
    Width and height of the rectangle are those of the image times `sqrt(1 - l)`, l ~ Beta(alpha,
    alpha), its centre uniform; then `l = 1 - area / (W H)` of the rectangle as clipped at the
    border. Source: Yun, Han, Oh, Chun, Choe, Yoo 2019, "CutMix", section 3.

    ## When
    Over-fitting image classifiers; alpha 1.

    ## Cost
    One more copy of the batch.

    ## Conflicts and order
    Not together with `mixup`. Before `label-smoothing`. Refused where inputs are no images.

    ## Common mistakes
    Keeping the share that was drawn: the border cuts the rectangle, so the share has to be computed
    anew.
    """

    name = "cutmix"
    family = "regularisation"
    changes_loss = "training"
    changes_answers = True
    alpha: float = value(default=1.0, low=0, open_low=True, help="alpha of the Beta distribution")
    conflicts = ("mixup",)

    def attach_to(self, stage: Stage) -> None:
        """Pastes rectangles and mixes labels."""
        import torch

        def mix(source: Tensor, order: Tensor, share: float) -> tuple[Tensor, float]:
            if source.dim() != 4:
                stage.refuse(self.name, f"inputs have shape {tuple(source.shape)}, not N, C, H, W")
            height, width = source.shape[2:]
            half_h, half_w = (int(size * (1 - share) ** 0.5) // 2 for size in (height, width))
            y, x = divmod(int(torch.randint(height * width, ())), width)
            top, bottom = max(y - half_h, 0), min(y + half_h, height)
            left, right = max(x - half_w, 0), min(x + half_w, width)
            mixed = source.clone()
            mixed[:, :, top:bottom, left:right] = source[order, :, top:bottom, left:right]
            return mixed, 1 - (bottom - top) * (right - left) / (height * width)

        mix_batches(stage, self.name, float(self.alpha), mix)
