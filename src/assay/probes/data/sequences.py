"""Probe: sequences whose targets are their own inputs, and padding that a loss counts."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...replay.structure import tensors
from ...seams.arguments import bind
from ...seams.callsite import place_at, user_site
from ...watching.probe import Probe

INPUTS_AT_MOST = 4
SHORTEST = 4
"""Positions of the shortest sequences that are looked at."""
CLASSES = ("cross_entropy", "nll_loss")
NUMBERS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss",
           "binary_cross_entropy_with_logits", "binary_cross_entropy")  # fmt: skip


class Sequences(Probe):
    """Compares the targets of a loss with what the model was given, position by position.

    `target_is_input` is the share of the counted targets that equal the token at the same place of
    the model's input; `target_is_after_next` the share that equal the token two places on, 0 where
    all equal the next one. `padded_target_share` is the share of the counted targets at the ends of
    sequences where both the input and the target repeat one value of their own (for numbers: 0) to
    the end, in sequences of unequal length; `padded_target_value` is that value.
    """

    name = "sequences"
    sampled: ClassVar = ("root_begin", "root_end", "loss")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self.iteration_begins()

    def iteration_begins(self) -> None:
        """Drops the inputs of an earlier iteration."""
        self._inputs: list[torch.Tensor] = []
        self._inside = False
        self.copies: list[tuple[torch.Tensor, torch.Tensor]] = []
        """Inputs of this iteration and the share of the targets that are their own tokens."""

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Keeps what may be sequences until the iteration is over."""
        self._inside = True
        for value in tensors((args, kwargs)):
            tokens = value.dim() == 2 and not value.is_floating_point() and value.dtype.itemsize > 1
            frames = value.dim() == 3 and value.is_floating_point()
            whole = not value.requires_grad and len(self._inputs) < INPUTS_AT_MOST
            if (tokens or frames) and whole and value.shape[1] >= SHORTEST:
                self._inputs.append(value)

    def on_root_end(self, module: Any, result: Any) -> None:
        """Notes that losses are the script's own from now on, and not the model's."""
        self._inside = False

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Compares the targets of a call with the inputs."""
        if not self._inputs or name not in (*CLASSES, *NUMBERS) or not result.requires_grad:
            return
        given = bind(function, args, kwargs)
        target = given.get("target")
        if not isinstance(target, torch.Tensor) or target.requires_grad or not target.numel():
            return
        site = user_site(2)
        place = place_at(name, site)
        if name in CLASSES and not target.is_floating_point():
            self._tokens(place, target, given)
        elif name in NUMBERS and given.get("reduction", "mean") == "mean":
            self._numbers(place, target)

    def _tokens(self, place: str, target: torch.Tensor, given: dict[str, Any]) -> None:
        padded = None
        whole = given.get("reduction", "mean") != "none" and given.get("weight") is None
        copied = []
        for number, tokens in enumerate(self._inputs):
            batch = tokens.shape[0]
            is_target = number > 0 and _share_memory(tokens, target)
            if is_target and self._inside:
                continue  # the model was given the target too, and computes its loss itself
            if target.numel() % batch or target.numel() // batch < SHORTEST:
                continue
            wanted = target.reshape(batch, -1)
            counted = wanted != given.get("ignore_index", -100)
            length = wanted.shape[1]
            if tokens.shape == wanted.shape and tokens.device == wanted.device:
                copied.append(((tokens == wanted) & counted).sum() / counted.sum())
                self.copies.append((tokens, copied[-1]))
            if number == 0 and tokens.dim() == 2 and 0 <= tokens.shape[1] - length <= 2:
                one, two = (_ahead(tokens, wanted, counted, places) for places in (1, 2))
                self.watch.put("target_is_after_next", place, two * (one < 1))
            if whole and not is_target and tokens.shape[1] in (length, length + 1):
                last = wanted[:, -1].mode().values
                ended, once = _end(wanted == last)
                idle, idle_once = _idle(tokens)
                both = ended & idle[:, :length] & counted
                unequal = both.sum(1).min() != both.sum(1).max()
                share = both.sum() / counted.sum() * (unequal & once & idle_once)
                padded = share if padded is None else torch.maximum(padded, share)
                self.watch.put("padded_target_value", place, last.float())
        if copied:
            self.watch.put("target_is_input", place, torch.stack(copied).max())
        if padded is not None:
            self.watch.put("padded_target_share", place, padded)

    def _numbers(self, place: str, target: torch.Tensor) -> None:
        padded = None
        for given in self._inputs:
            if target.dim() < 2 or target.shape[:2] != given.shape[:2]:
                continue
            if _share_memory(given, target):
                continue  # an autoencoder, or a model that computes its loss itself
            zero = (target == 0).reshape(*target.shape[:2], -1).all(2)
            idle, once = _idle(given)
            both = _end(zero)[0] & idle
            unequal = both.sum(1).min() != both.sum(1).max()
            share = both.float().mean() * (unequal & once)
            padded = share if padded is None else torch.maximum(padded, share)
        if padded is not None:
            self.watch.put("padded_target_share", place, padded)
            self.watch.put("padded_target_value", place, 0.0)


def _ahead(
    tokens: torch.Tensor, wanted: torch.Tensor, counted: torch.Tensor, places: int
) -> torch.Tensor:
    """Returns the share of the counted targets that equal the token so many places on."""
    count = min(wanted.shape[1], tokens.shape[1] - places)
    counted = counted[:, :count]
    same = (tokens[:, places : places + count] == wanted[:, :count]) & counted
    return same.sum() / counted.sum()


def _share_memory(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.untyped_storage()._cdata == other.untyped_storage()._cdata


def _end(same: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns where rows are the same up to their end, and whether they are so nowhere else."""
    end = same.flip(1).cumprod(1).flip(1).bool()
    return end, ~(same & ~end).any()


def _idle(given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns where an input repeats its last value up to the end, and whether only there.

    Not counting the first position, where the token of the padding may also be that of a start.
    """
    if given.dim() == 3:
        return _end((given == 0).all(2))[0], torch.ones((), dtype=torch.bool, device=given.device)
    end, _ = _end(given == given[:, -1].mode().values)
    same = given == given[:, -1].mode().values
    return end, ~(same & ~end)[:, 1:].any()
