"""What came of a merge."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .asked import Asked
from .barrier import Curve, barrier


@dataclass
class Fused:
    """A merge, or a comparison if nothing was written.

    Attributes:
        asked: What was asked for.
        facts: What the process that merges has seen (`merging.merge.merge`).
        written: Whether there is a file.
        cautions: What the user should know of it, one sentence each.
        scores: Of the inputs, lower is better; empty where nothing is evaluated.
        score: Of the merge.
        curve: Of two inputs, the metric along the line between them, as (t, value).
        chosen: Inputs that are in a greedy soup, by number, in the order in which they came.
        tried: How many merges were measured to choose the coefficients.
        proof: The metric on other data, of the merge and of the best input there.
        aligned: For each input after the first how many `units` it has, and how many `moved`.
        batches: Of training data by which running statistics were refreshed; 0 if they were not.
        refused: Why it was not written; empty if it was.
    """

    asked: Asked
    facts: Mapping[str, Any]
    written: bool = False
    cautions: list[str] = field(default_factory=list)
    scores: Sequence[float] = ()
    score: float | None = None
    curve: Curve = ()
    chosen: Sequence[int] = ()
    tried: int = 0
    proof: tuple[float, float] | None = None
    aligned: Sequence[Mapping[str, int]] = ()
    batches: int = 0
    refused: str = ""
    shown: Callable[[float], float] = float

    @property
    def likeness(self) -> Mapping[str, Any]:
        """Cosines and distances of the inputs."""
        found: Mapping[str, Any] = self.facts["likeness"]
        return found

    def as_dict(self) -> dict[str, Any]:
        """Returns it as JSON has it."""
        return {
            "inputs": list(self.asked.inputs),
            "output": self.asked.output if self.written else None,
            "method": str(self.asked.method),
            "weights": list(self.asked.weights),
            "tensors": self.facts["tensors"],
            "parameters": self.facts["parameters"],
            "cosine": self.likeness["cosine"],
            "apart": self.likeness["apart"],
            "scores": [self._finite(score) for score in self.scores],
            "score": self._finite(self.score),
            "curve": [[t, self._finite(value)] for t, value in self.curve],
            "barrier": self._rise(),
            "chosen": [self.asked.inputs[i] for i in self.chosen],
            "tried": self.tried,
            "proof": self.proof and [self._finite(value) for value in self.proof],
            "aligned": [dict(facts) for facts in self.aligned],
            "batches": self.batches,
            "refused": self.refused or None,
            "layers": self.likeness["rows"],
            "cautions": self.cautions,
        }

    def _finite(self, value: float | None) -> float | None:
        return self.shown(value) if value is not None and math.isfinite(value) else None

    def _rise(self) -> float | None:
        if not self.curve:
            return None
        rise, _ = barrier(self.curve)
        return rise if math.isfinite(rise) else None
