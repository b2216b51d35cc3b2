"""Probe: whether what a loss or a distribution is given lies where its formula is defined."""

from __future__ import annotations

import os
import sys
from typing import Any, ClassVar

import torch

from ...replay.replays import Replays
from ...seams.arguments import bind
from ...seams.callsite import is_user_file, line_at, place_at, user_site
from ...watching.making import Made, made_by
from ...watching.probe import Probe

OF_CLASSES = ("cross_entropy", "nll_loss", "kl_div", "ctc_loss")
"""Losses whose input has a dimension of classes."""
OF_LOGITS = ("binary_cross_entropy_with_logits", "multilabel_soft_margin_loss", "soft_margin_loss")
OF_RATES = ("poisson_nll_loss",)
OF_PAIRS = ("cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss",
            "soft_margin_loss")  # fmt: skip
"""Losses whose targets are 1 and -1."""
COMPARED = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy")
"""Losses that compare numbers with numbers, which may be probabilities on both sides."""
PROBABILITY_TOLERANCE = {torch.float16: 1e-2, torch.bfloat16: 5e-2}
SQUASHING = (torch.nn.Softmax, torch.nn.LogSoftmax, torch.nn.Sigmoid, torch.nn.LogSigmoid)
SETTINGS = ("log_target", "log_input", "zero_infinity")
FRAMES = 16
_DISTRIBUTIONS = os.path.dirname(torch.distributions.__file__)
CALLS_AT_MOST = 32
"""Calls in one iteration that are looked at: an agent may build a distribution at every move."""


def tolerance_of(tensor: torch.Tensor) -> float:
    """Returns how far a sum of rounded probabilities may lie from 1."""
    return PROBABILITY_TOLERANCE.get(tensor.dtype, 1e-3)


def sums_to_one(numbers: torch.Tensor, tolerance: float) -> torch.Tensor:
    """Returns the sum of 2^d of the dimensions d over which non-negative numbers sum to 1.

    Dimensions of size 1 do not count.
    """
    total = numbers.new_zeros((), dtype=torch.float32)
    for dim, size in enumerate(numbers.shape):
        if size > 1:
            sums = numbers.sum(dim, dtype=torch.float32)
            total += ((sums - 1).abs().amax() < tolerance) * float(2**dim)
    return total * (numbers >= 0).all()


def _inside_a_distribution() -> bool:
    """Whether the call comes from `log_prob` or `entropy` of torch's own distributions."""
    frame: Any = sys._getframe(1)
    for _ in range(FRAMES):
        if frame is None or is_user_file(frame.f_code.co_filename):
            return False
        if frame.f_code.co_filename.startswith(_DISTRIBUTIONS):
            return True
        frame = frame.f_back
    return False


class Domains(Probe):
    """Writes a `loss_given` event for each new way in which what a loss is given was made.

    Signals, by place `nll_loss (train.py:31)` or `Categorical (train.py:8)`: `loss_input_min` and
    `loss_input_max`; `probability_dims`, `log_probability_dims` and `target_probability_dims`, the
    dimensions over which it is a distribution; `pair_target_other` and `pair_target_negative`, the
    shares of targets other than 1 and -1, and of -1; `ctc_impossible`, the share of samples whose
    target does not fit into its input.
    """

    name = "domains"
    sampled: ClassVar = ("module_end", "loss", "distribution")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._calls = 0
        self._modules: dict[int, str | None] = {}
        self._replays: Replays = watch.shared(Replays)

    def iteration_begins(self) -> None:
        """Counts calls anew."""
        self._calls = 0
        self._modules.clear()

    def on_module_end(self, module: Any, args: Any, result: Any) -> None:
        """Remembers which modules took a softmax or sigmoid."""
        if isinstance(module, SQUASHING) and isinstance(result, torch.Tensor) and result.grad_fn:
            self._modules[result.grad_fn._sequence_nr()] = self.watch.names.module(module)

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Looks at one call of a loss function that has a graph."""
        known = (*OF_CLASSES, *OF_LOGITS, *OF_RATES, *OF_PAIRS, *COMPARED)
        if name not in known or not result.requires_grad or self._full():
            return
        if name in OF_LOGITS and _inside_a_distribution():
            return  # what it was built of was looked at
        given = bind(function, args, kwargs)
        source = given.get("log_probs" if name == "ctc_loss" else "input")
        target = given.get("targets" if name == "ctc_loss" else "target")
        if not isinstance(source, torch.Tensor) or source.numel() == 0:
            return
        place = self._place(name)
        made = made_by(source)
        setting = next((bool(given[key]) for key in SETTINGS if key in given), None)
        if name == "poisson_nll_loss":
            setting = bool(given.get("log_input", True))
        self._given(name, place, "input", made, source, setting)
        source = source.detach()
        if name in OF_CLASSES:
            self._of_classes(place, made, source)
        elif name in OF_RATES:
            self._range(place, source)
        if isinstance(target, torch.Tensor) and target.numel():
            if name in OF_PAIRS:
                self._pairs(place, target.detach())
            elif name == "kl_div" or (name in COMPARED and made.kind == "softmax"):
                self._given(name, place, "target", made_by(target), target, setting)
                self._compared(place, source, target.detach())
        if name == "ctc_loss":
            self._ctc(place, source, given)

    def on_distribution(self, name: str, probs: Any, logits: Any) -> None:
        """Looks at what a distribution was built of."""
        if self._full():
            return
        argument, numbers = ("logits", logits) if probs is None else ("probs", probs)
        if numbers.numel() == 0 or not numbers.is_floating_point():
            return
        place = self._place(name)
        self._given(name, place, argument, made_by(numbers), numbers, None)
        numbers = numbers.detach()
        self._range(place, numbers)
        if name in ("Categorical", "gumbel_softmax") and numbers.dim():
            self.watch.put("probability_dims", place, sums_to_one(numbers, tolerance_of(numbers)))

    # -- parts ------------------------------------------------------------------------------------

    def _full(self) -> bool:
        self._calls += 1
        return self._calls > CALLS_AT_MOST

    def _place(self, name: str) -> str:
        site = user_site(3)
        return place_at(name, site)

    def _given(
        self,
        name: str,
        place: str,
        argument: str,
        made: Made,
        tensor: torch.Tensor,
        setting: bool | None,
    ) -> None:
        module = self._modules.get(made.node._sequence_nr()) if made.node is not None else None
        single = made.size == 1 if made.size is not None else None
        self.watch.event_once(
            "loss_given", place, argument, made.kind, made.dim, single, setting,
            fn=name, place=place, argument=argument, made_by=made.kind, over=made.dim,
            size=made.size, shape=list(tensor.shape), setting=setting,
            line=self._line(made), module=module,
        )  # fmt: skip

    def _line(self, made: Made) -> list[Any] | None:
        """Returns the line on which the softmax or sigmoid was taken, where it was recorded."""
        found = self._replays.lines.where(made.node) if made.node is not None else None
        return list(line_at(*found)) if found is not None else None

    def _range(self, place: str, numbers: torch.Tensor) -> None:
        low, high = torch.aminmax(numbers)
        self.watch.put("loss_input_min", place, low)
        self.watch.put("loss_input_max", place, high)

    def _of_classes(self, place: str, made: Made, source: torch.Tensor) -> None:
        """Looks over which dimensions the input is a distribution; raw outputs are none."""
        self._range(place, source)
        put, tolerance = self.watch.put, tolerance_of(source)
        if made.kind == "linear":
            put("probability_dims", place, 0.0)
            put("log_probability_dims", place, 0.0)
            return
        put("probability_dims", place, sums_to_one(source, tolerance))
        put("log_probability_dims", place, sums_to_one(source.exp(), tolerance))

    def _compared(self, place: str, source: torch.Tensor, target: torch.Tensor) -> None:
        if not target.is_floating_point() or target.shape != source.shape:
            return
        tolerance = tolerance_of(target)
        self.watch.put("target_probability_dims", place, sums_to_one(target, tolerance))
        if place.startswith(COMPARED):
            self.watch.put("probability_dims", place, sums_to_one(source, tolerance_of(source)))

    def _pairs(self, place: str, target: torch.Tensor) -> None:
        negative = (target == -1).float().mean()
        positive = (target == 1).float().mean()
        self.watch.put("pair_target_negative", place, negative)
        self.watch.put("pair_target_other", place, (1 - negative - positive).clamp_min(0))

    def _ctc(self, place: str, source: torch.Tensor, given: dict[str, Any]) -> None:
        """Compares lengths; a label twice in a row needs a blank between."""
        device = source.device
        lengths = [torch.as_tensor(given[key], device=device).reshape(-1)
                   for key in ("input_lengths", "target_lengths")]  # fmt: skip
        targets = given["targets"].detach().to(device)
        room, wanted = lengths
        if targets.dim() == 2:
            first, second = targets[:, :-1], targets[:, 1:]
            inside = torch.arange(second.shape[1], device=device) + 1 < wanted[:, None]
            repeats = ((first == second) & inside).sum(1)
        else:
            ends = wanted.cumsum(0)
            same = targets[1:] == targets[:-1]
            counted = torch.cat([same.new_zeros(1), same]).long().cumsum(0)
            counted = torch.cat([counted, counted[-1:]])
            starts = ends - wanted
            last = counted[(ends - 1).clamp_min(0)]
            repeats = (last - counted[starts.clamp_max(len(targets))]) * (wanted > 0)
        self.watch.put("ctc_impossible", place, (room < wanted + repeats).float().mean())
