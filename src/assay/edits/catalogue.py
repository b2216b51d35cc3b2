"""Which tricks can be written into a script, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product

from ..tricks.base import Trick
from . import (
    activations,
    clip,
    initialise,
    loader,
    logits,
    losses,
    mode,
    parameters,
    schedule,
    seeding,
    settings,
    shapes,
)
from . import zero_grad as zeroing
from .patch import FileChange, Patch
from .reason import NotMechanicalError
from .script import Script
from .variant import Edit, Variant

MOST_VARIANTS = 4
"""So many ways of writing an edit are tried; each costs a run."""

EDITS: Mapping[str, Edit] = {
    "zero-grad": zeroing.zero_grad,
    "clip-norm": clip.clip,
    "clip-value": clip.clip,
    "lr": settings.lr,
    "eps": settings.eps,
    "betas": settings.betas,
    "momentum": settings.momentum,
    "weight-decay": settings.weight_decay,
    "shuffle": loader.shuffle,
    "train-mode": mode.train_mode,
    "logits": logits.logits,
    "match-target-shape": shapes.match_target_shape,
    "add-parameters": parameters.add_parameters,
    "label-smoothing": losses.label_smoothing,
    "ignore-index": losses.ignore_index,
    "warmup": schedule.warmup,
    "schedule": schedule.schedule,
    "seed": seeding.seed,
    "activation": activations.activation,
    "init": initialise.initialise,
}

BY_HAND: Mapping[str, str] = {
    "normalise-input": "subtract the mean of the training data and divide by its spread where the "
    "data are loaded, for training and test alike",
    "balance-classes": "count the classes of your training data and give the loss "
    "weight=total / (classes * count)",
    "skip-non-finite": "find where the first value that is not finite comes from; `assay check` "
    "names the step and the module",
}
"""What to do where the numbers are the data's, not the trick's."""


def changes(script: Script, tricks: Sequence[Trick]) -> Iterator[tuple[FileChange, ...]]:
    """Yields the ways of writing these tricks into the script, the usual one first.

    Raises:
        NotMechanicalError: There is none.
    """
    reason = None
    found: set[tuple[FileChange, ...]] = set()
    ways = [_ways(script, trick) for trick in tricks]
    for chosen in islice(product(*ways), MOST_VARIANTS):
        patch = Patch()
        try:
            for write in chosen:
                write(patch)
            files = patch.files()
        except NotMechanicalError as error:
            reason = reason or error
            continue
        if files and files not in found and all(file.before != file.after for file in files):
            found.add(files)
            yield files
    if not found:
        raise reason or NotMechanicalError("the script does so already")


def _ways(script: Script, trick: Trick) -> list[Variant]:
    edit = EDITS.get(trick.name)
    if edit is None:
        raise NotMechanicalError(
            BY_HAND.get(trick.name)
            or f"{trick.name} is more than a line or two: assay run --with {trick} trains with it"
        )
    ways: list[Variant] = []
    try:
        ways += islice(edit(script, trick), MOST_VARIANTS)
    except NotMechanicalError:
        if not ways:
            raise
    return ways
