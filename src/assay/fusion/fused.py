"""What came of a merge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .asked import Asked


@dataclass
class Fused:
    """A merge, or a comparison if nothing was written.

    Attributes:
        asked: What was asked for.
        facts: What the process that merges has seen (`merging.merge.merge`).
        written: Whether there is a file.
        cautions: What the user should know of it, one sentence each.
    """

    asked: Asked
    facts: Mapping[str, Any]
    written: bool = False
    cautions: list[str] = field(default_factory=list)

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
            "layers": self.likeness["rows"],
            "cautions": self.cautions,
        }
