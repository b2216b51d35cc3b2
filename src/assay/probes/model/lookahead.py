"""Probe: whether what a model says of a token depends on the tokens behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from torch import Tensor

from ...replay.measurement import Measurement, When
from ...replay.replays import Replays
from ...replay.structure import Path
from ..data.sequences import SHORTEST, Sequences


class Lookahead(Measurement):
    """Changes the last token of each row, and looks whether answers before it are others.

    Signal `lookahead`: the largest change of an answer at an earlier position over the largest one
    at the last. Asked only where the targets are the input's own tokens: in an autoencoder an
    answer depends on the whole row, in a language model on what came before.
    """

    name: ClassVar = "lookahead"
    forwards: ClassVar = 2.0
    at: ClassVar = (When.FIRST_STEP, When.OPENING_END)

    def __init__(self, watch: Any) -> None:
        self._sequences: Sequences = watch.shared(Sequences)
        super().__init__(watch)

    def measure(self, replays: Replays) -> Iterator[tuple[str, str, Any]]:
        """Asks the model once more, with other last tokens."""
        copies = [tokens for tokens, share in self._sequences.copies if float(share) == 1]
        for path, tokens in replays.inputs.items():
            if any(tokens is copy for copy in copies):
                yield from self._changed(replays, path, tokens)

    def _changed(self, replays: Replays, path: Path, tokens: Tensor) -> Iterator[Any]:
        """Yields the change of the answers; nothing where it does not reach the last of them.

        So it is with targets that a model is given to compute its loss itself.
        """
        other = tokens.clone()
        other[:, -1] = tokens.roll(1, 0)[:, -1]
        if tokens.shape[1] < SHORTEST or bool((other == tokens).all()):
            return
        before, after = replays.output(), replays.output(inputs={path: other})
        for first, second in zip(before, after, strict=True):
            if first.dim() == 3 and first.shape[:2] == tokens.shape:
                change = (second - first).abs().amax(2)
                if bool(change[:, -1].any()):
                    yield "lookahead", "", change[:, :-1].max() / change[:, -1].max()
                return
