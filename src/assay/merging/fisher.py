"""The diagonal of the Fisher information: the mean of squared gradients, sample by sample."""

from __future__ import annotations

from typing import Any

import torch
from torch.func import functional_call

from .checkpoint import Entry
from .errors import MergeError
from .writing import written


class Fisher:
    """Sums squared gradients of the log-likelihood of single samples.

    Squaring the gradient of a batch instead would be up to the size of the batch too small.
    Martens 2020, "New Insights and Perspectives on the Natural Gradient Method", section 5 and, on
    labels that are given, Kunstner, Balles and Hennig 2019.

    Args:
        model: With the weights in question; its batch norms use their running statistics.
        sampled: Whether labels are drawn from the model's own answers, which makes it the true
            Fisher information; with the labels of the data it is the empirical one.
    """

    def __init__(self, model: torch.nn.Module, sampled: bool) -> None:
        self.call: Any = None
        self.samples = 0
        self._model, self._sampled = model, sampled
        self._weights = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._sums = {n: torch.zeros_like(p, dtype=torch.float32) for n, p in self._weights.items()}
        # the script's own passes move running statistics on: those of the checkpoint are meant
        self._state = {name: buffer.clone() for name, buffer in model.named_buffers()}
        self._state.update(self._weights)
        self._random = torch.Generator().manual_seed(0)

    def take(self, name: str, own: torch.Tensor, target: Any, most: int) -> None:
        """Takes the samples of the call that a loss was computed of.

        Args:
            name: Of the loss; only of classes there is a likelihood to take.
            own: What the model answered, [samples, classes].
            target: Labels, [samples].
            most: How many samples there will be at most.
        """
        call, self.call = self.call, None
        labels = isinstance(target, torch.Tensor) and target.dim() == 1
        if call is None or name not in ("cross_entropy", "nll_loss") or own.dim() != 2:
            return
        if not labels and not self._sampled:
            return
        args, kwargs = call
        modes = [(module, module.training) for module in self._model.modules()]
        self._model.eval()
        try:
            for i in range(min(len(own), most - self.samples)):
                one = [_row(arg, i, len(own)) for arg in args]
                more = {key: _row(arg, i, len(own)) for key, arg in kwargs.items()}
                answer = functional_call(self._model, self._state, tuple(one), more)
                self._add(answer.float().log_softmax(1)[0], target[i] if labels else None)
        finally:
            for module, mode in modes:
                module.training = mode

    def write(self, path: str) -> None:
        """Writes the mean over samples, under the names of the parameters.

        Raises:
            MergeError: It can't be written.
        """
        entries = {
            name: Entry(tuple(total.shape), total.dtype, name) for name, total in self._sums.items()
        }
        with written(path, entries, {"samples": str(self.samples)}) as writer:
            for name, total in self._sums.items():
                writer.put(name, (total / self.samples).cpu())

    def _add(self, likely: torch.Tensor, target: torch.Tensor | None) -> None:
        if self._sampled:
            shares = likely.detach().exp().cpu()
            target = torch.multinomial(shares, 1, generator=self._random)[0]
        assert target is not None
        gradients = torch.autograd.grad(
            likely[target], list(self._weights.values()), allow_unused=True
        )
        for total, gradient in zip(self._sums.values(), gradients, strict=True):
            if gradient is not None:
                total.addcmul_(gradient.float(), gradient.float())
        self.samples += 1


def _row(value: Any, place: int, many: int) -> Any:
    """Returns one sample of an argument; one that has none is for all."""
    if isinstance(value, torch.Tensor) and value.dim() and len(value) == many:
        return value[place : place + 1]
    if isinstance(value, (list, tuple, dict)):
        raise MergeError("the model is called with a container of tensors")
    return value
