"""Probe: derivatives of a model by its input, and whether they reach the loss with their graph."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple

import torch

from ...replay.replays import Replays
from ...replay.structure import tensors
from ...seams.callsite import place_at, site_of, user_frame, user_site
from ...seams.dispatch import DispatchMode
from ...seams.interpreting import interpreted
from ...seams.patch import past_own_frames
from ...seams.recording import special_mode
from ...watching.graph import walk
from ...watching.leaves import leaves_below
from ...watching.probe import Probe

LOOKS_AT_MOST = 16
"""Iterations of a run: a script's arithmetic is the same in all of them."""
NODES_AT_MOST = 20_000

_BELOW_USER = __file__, torch._ops.__file__
"""Files of the frames that are there only because a mode is active."""
_aten: Any = torch.ops.aten
_SUMS = frozenset((
    _aten.add.Tensor, _aten.add_.Tensor, _aten.sub.Tensor, _aten.sub_.Tensor,
    _aten.stack.default, _aten.cat.default,
))  # fmt: skip
"""Operations whose result is moved by each of the tensors that they are given."""
_LAYERS = frozenset((
    _aten.mm.default, _aten.addmm.default, _aten.bmm.default, _aten.baddbmm.default,
    _aten.convolution.default, _aten.native_layer_norm.default, _aten.native_batch_norm.default,
))  # fmt: skip


class Derivatives(Probe):
    """Signal `derivative_constant`, by place `grad (train.py:31)`: 1 if it was added as a constant.

    Looked at is each call of `torch.autograd.grad` that differentiates what trained weights have
    computed by a tensor that they have not: the input. Where it is made without `create_graph`, the
    operations behind it are followed until it is added to something that has a gradient for
    weights and that the next backward pass goes through. Event `derivative`: the first of each
    place and kind, and the line that adds it.
    """

    name = "derivatives"
    sampled: ClassVar = ("grad_end", "backward_begin", "step_end", "step_skipped")

    def __init__(self, watch: Any) -> None:
        self._replays: Replays = watch.shared(Replays)
        super().__init__(watch)
        self._looks = 0
        self._followed: _Followed | None = None

    def iteration_begins(self) -> None:
        """Drops what an earlier iteration left."""
        self._stop()

    def on_grad_end(self, outputs: Any, inputs: Any, gradients: Any) -> None:
        """Begins to follow a derivative, or notes that it has its graph."""
        made = tensors(gradients)
        if not made or _of_weights(tensors(inputs)) or not _of_weights(tensors(outputs)):
            return
        site = user_site(2)
        place = place_at("grad", site)
        if any(one.requires_grad for one in made):
            self._tell(place, site, None, graph=True)
        elif self._followed is not None:
            self._followed.follow(made, place, site)
        elif self._looks < LOOKS_AT_MOST and self._may_record():
            self._looks += 1
            self._followed = self.watch.recording = _Followed()
            self._followed.follow(made, place, site)
            self._followed.start()

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Asks whether the loss goes through what a derivative was added to."""
        followed = self._followed
        if followed is None:
            return
        self._stop()
        if followed.error is not None:
            raise followed.error
        nodes = {
            node
            for root in tensors(roots)
            if root.grad_fn is not None
            for node, _ in walk(root.grad_fn, NODES_AT_MOST)
        }
        for place, site in followed.places.items():
            added = next(
                (
                    a.line
                    for a in followed.added.values()
                    if a.place == place and a.result.grad_fn in nodes
                ),
                None,
            )
            self._tell(place, site, added, graph=False)

    def on_step_end(self, optimizer: Any) -> None:
        """Stops: what is computed from now on is of the next step."""
        self._stop()

    def on_step_skipped(self, optimizer: Any) -> None:
        """Stops, too."""
        self._stop()

    def finish(self) -> None:
        """Lets go of everything."""
        self._stop()

    def _may_record(self) -> bool:
        free = self._replays.ended and self.watch.recording is None
        return free and not self.watch.compiled and special_mode() is None

    def _stop(self) -> None:
        if self._followed is not None:
            self._followed.stop()
            if self.watch.recording is self._followed:
                self.watch.recording = None
            self._followed = None

    def _tell(self, place: str, site: Any, added: Any, *, graph: bool) -> None:
        self.watch.put("derivative_constant", place, float(added is not None))
        kind = graph, added is not None
        self.watch.event_once(
            "derivative", place, *kind, place=place, at=site, graph=graph, added=added
        )


class _Added(NamedTuple):
    """What a derivative was added to: the place of the derivative, the sum, and the user's line."""

    place: str
    result: torch.Tensor
    line: Any


class _Followed(DispatchMode):
    """Follows derivatives through what is computed from them, until they are added to a loss.

    A sum that goes on through a layer was an input of the model, and no part of a loss. An error of
    its own is kept, and ends it: the script's operations are computed all the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Any] = {}
        self.added: dict[int, _Added] = {}
        self.error: Exception | None = None
        self._derived: dict[int, tuple[weakref.ref[torch.Tensor], str]] = {}
        self._behind: dict[int, tuple[weakref.ref[torch.Tensor], set[int]]] = {}

    def follow(self, made: Iterable[torch.Tensor], place: str, site: Any = None) -> None:
        """Takes these as computed from the derivative of a place."""
        if site is not None:
            self.places.setdefault(place, site)
        self._derived |= {id(tensor): (weakref.ref(tensor), place) for tensor in made}

    @interpreted
    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        call = getattr(function, "_op", function)
        given = self._try(self._given, args)
        try:
            result = call(*args, **(kwargs or {}))
        except BaseException as error:  # what the user reads has no frames of ours
            error.__traceback__ = past_own_frames(error.__traceback__, *_BELOW_USER)
            raise
        if given is not None:
            self._try(self._note, function, given, result)
        return result

    def _try(self, note: Callable[..., Any], *facts: Any) -> Any:
        try:
            return note(*facts) if self.error is None else None
        except Exception as error:
            self.error = error
            return None

    def _given(self, args: Any) -> tuple[str | None, list[torch.Tensor], set[int]]:
        """Returns the derivative's place, the tensors that are not computed from it, and the sums.

        As they are before the operation, which may change one of them in place.
        """
        given = tensors(args)
        places = [self._place(one) for one in given]
        of = next((place for place in places if place is not None), None)
        others = [one for one, place in zip(given, places, strict=True) if place is None]
        return of, others, set().union(*(_known(self._behind, one) or () for one in given))

    def _note(
        self, function: Any, given: tuple[str | None, list[torch.Tensor], set[int]], result: Any
    ) -> None:
        of, others, sums = given
        made = tensors(result)
        if function in _LAYERS:
            self.added = {key: each for key, each in self.added.items() if key not in sums}
        elif of is not None and not _of_weights(others):
            self.follow(made, of)
        elif of is not None and function in _SUMS:
            frame = user_frame()
            for one in made:
                sums.add(id(one))
                line = None if frame is None else site_of(frame)
                self.added[id(one)] = _Added(of, one, line)
        if sums:
            self._behind |= {id(one): (weakref.ref(one), sums) for one in made}

    def _place(self, tensor: torch.Tensor) -> str | None:
        place: str | None = _known(self._derived, tensor)
        return None if place is None or _of_weights([tensor]) else place  # changed in place since


def _known(known: dict[int, tuple[weakref.ref[torch.Tensor], Any]], tensor: torch.Tensor) -> Any:
    entry = known.get(id(tensor))
    return entry[1] if entry is not None and entry[0]() is tensor else None


def _of_weights(values: list[torch.Tensor]) -> bool:
    """Whether any of these was computed from trained weights, or is one."""
    return any(
        isinstance(leaf, torch.nn.Parameter)
        for leaf in (*values, *leaves_below(values))
        if leaf.requires_grad
    )
