"""The rung *mode*: do training and evaluation mode agree on the same batches?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from ..replay.asking import Call, Proofs
from ..replay.structure import NotReplayable, follow, put_autocast, put_random_state
from ..replay.twin import Twin
from .ground import Ground
from .outcome import Outcome, fails, passes, untried
from .stored import Stored
from .stream import mean_over, typical

APART = 0.25
"""Of the way from a constant to the least loss, by which evaluation mode is worse."""
FAR, TIMES = 0.03, 10.0
"""The same, where it is so many times the loss as well, and fresh statistics mend it."""
LEARNT = 0.2
"""Of that way, in training mode: before that there is nothing that a mode could lose."""
SETTLED = 100
"""Steps after which statistics of the usual momentum, 0.1, have forgotten how they began."""
ASKED, REFRESHED = 16, 64
"""Of the last batches: those that are compared, and those that statistics are taken over."""


def climb(ground: Ground) -> Outcome:
    """Asks for the last batches in both modes, with the weights at the end of the run.

    And in evaluation mode once more, with statistics taken anew over the stored batches.

    Raises:
        NotReplayable: why the model can't be called once more.
    """
    call = ground.seen.call
    if call is None or not call.result:
        return untried("the model is called several times in one step")
    if why := Proofs().why_not(call.module):
        return untried(f"the model can't be called once more: {why}")
    batches = [
        batch for batch in ground.seen.batches
        if batch.call is not None and batch.call.module is call.module
    ]  # fmt: skip
    asked = batches[-ASKED:]
    training = loss_of_answers(asked, Twin(call.module, call.modes).module)
    evaluation = loss_of_answers(asked, Twin(call.module, training=False).module)
    fresh = evaluation
    if norms := _norms(call):
        fresh = loss_of_answers(asked, _refreshed(batches[-REFRESHED:], call))
    numbers = {"training": training, "evaluation": evaluation, "refreshed": fresh}
    if not math.isfinite(training):
        return untried("the loss at the end of the run is not finite", **numbers)
    way, chance = typical(asked), fmean(batch.level[0] if batch.level else 0.0 for batch in asked)
    known = way is not None
    if way is None:  # how it began stands for a constant
        way = chance = abs(mean_over(asked, ground.seen.weights.first))
    said = (
        f"the same {len(asked)} batches have {training:.3g} in training mode and {evaluation:.3g} "
        "in evaluation mode"
    )
    if not known and evaluation <= chance:
        return passes(f"{said}; what is possible is not known of this loss", **numbers)
    gap = evaluation - training
    stale = bool(norms) and fresh - training <= max(APART * gap, 0.0)
    far = gap > FAR * way and evaluation > TIMES * abs(training) and stale
    if gap <= APART * way and not far:
        return passes(said, **numbers)
    if stale:
        said += f"; with the statistics of its norms taken anew it is {fresh:.3g}"
        if ground.seen.steps < SETTLED:
            return passes(f"{said}: too early to judge how old those of the script are", **numbers)
        return fails(f"{said}: those that the model keeps are not those of its data", **numbers)
    if training > chance - LEARNT * way:
        return untried(f"{said}, but little is learnt yet", **numbers)
    return fails(said + (f", {fresh:.3g} with fresh statistics" if norms else ""), **numbers)


def _norms(call: Call) -> list[int]:
    """Returns the places, among all modules, of norms that take and keep statistics in training."""
    return [
        place for place, module in enumerate(call.module.modules())
        if isinstance(module, _BatchNorm) and module.track_running_stats and call.modes[place]
    ]  # fmt: skip


def loss_of_answers(asked: Sequence[Stored], model: torch.nn.Module) -> float:
    """Returns how good the answers of a twin are."""
    found = []
    for batch in asked:
        call = batch.call
        assert call is not None
        answer = _answer(batch, call, model)
        made = {number: follow(answer, path) for path, number in call.result.items()}
        if not all(isinstance(value, torch.Tensor) for value in made.values()):
            raise NotReplayable("the model gives other things in another mode")
        found.append(batch.compute_from(made, call.ended_at))
    return fmean(found)


def _answer(asked: Stored, call: Call, model: torch.nn.Module) -> Any:
    args, kwargs = asked.arguments(call)
    put_random_state(call.random)
    put_autocast(call.autocast)
    torch.set_grad_enabled(False)
    return model(*args, **kwargs)


def _refreshed(batches: Sequence[Stored], call: Call) -> torch.nn.Module:
    """Returns a twin in evaluation mode whose norms have seen the stored batches, and no others."""
    model = Twin(call.module, call.modes).module
    modules = list(model.modules())
    for place in _norms(call):
        norm = modules[place]
        assert isinstance(norm, _BatchNorm)
        norm.reset_running_stats()
        norm.momentum = None  # a plain average
    for batch in batches:
        if batch.call is not None:
            _answer(batch, batch.call, model)
    for module in modules:
        module.training = False
    return model
