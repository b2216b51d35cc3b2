"""The trick `centralise-gradients`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick
from .final import final_gradients

if TYPE_CHECKING:
    from ..stage import Stage


class CentraliseGradients(Trick):
    """Takes from the gradient of each output unit's weights its mean.

    ## What it does
    Right before each optimizer step, from each gradient with two dimensions or more its mean over
    all dimensions but the first is subtracted: the weights that lead to one output unit then get
    updates whose sum is zero. Biases and norms, which have one dimension, are left alone.

    ## Formula
    `g_i <- g_i - mean(g_i)`, i an output unit: dimension 0 of a Linear's or Conv's weight. Source:
    Yong, Huang, Hua, Zhang 2020, "Gradient Centralization: A New Optimization Technique for Deep
    Neural Networks" (arXiv 2004.01461), equation 1, and the authors' code, which does so for every
    parameter with more than one dimension.

    ## When
    Convolutional and fully connected networks on images, the paper's case: faster and smoother
    training and a slightly better test result, with SGD as with Adam.

    ## Cost
    One mean and one subtraction over all weight gradients.

    ## Conflicts and order
    Before clipping, so that a limit holds for what the step is taken with; after `skip-non-finite`.
    Once per step, after accumulation. L2 decay that an optimizer adds to the gradient itself comes
    later and is not centralised; the authors' SGD adds it before.

    ## Common mistakes
    The mean over the first dimension, or over the whole tensor, is another method. A transposed
    convolution has its inputs in dimension 0; the authors' code makes no difference, nor does this.
    Sparse gradients of embeddings are left alone: their mean would make them dense.
    """

    name = "centralise-gradients"
    family = "gradients"

    def attach_to(self, stage: Stage) -> None:
        """Centralises when an optimizer's gradients are final."""
        import torch

        def centralise(optimizer: Any) -> None:
            if not stage.meant(optimizer):
                return
            held, _ = final_gradients(optimizer)
            with torch.no_grad():
                for _, gradient in held:
                    if gradient.dim() > 1 and not gradient.is_sparse:
                        over = tuple(range(1, gradient.dim()))
                        gradient.sub_(gradient.mean(dim=over, keepdim=True))

        stage.on("gradients_ready", centralise)
