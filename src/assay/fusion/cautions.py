"""What has to be said of a merge, beside that it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .asked import Asked

STRANGERS = 0.5
"""Below this cosine over all matrices two inputs are taken to have been trained apart."""


def cautions(asked: Asked, facts: Mapping[str, Any]) -> Iterator[str]:
    """Yields one sentence for each."""
    cosine = facts["likeness"]["cosine"]
    if cosine is not None and cosine < STRANGERS:
        yield (
            f"the inputs have little in common (cosine {cosine:.2f} over all matrices): nets that "
            "were trained apart are, averaged, usually worse than either"
        )
    for path, names in facts["broken"].items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{path}: {names[0]}{more} has values that are not finite, and so has the merge"
    if names := facts["differ"]:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield (
            f"whole numbers are not averaged: {names[0]}{more}, in which the inputs differ, "
            f"is that of {asked.inputs[0]}"
        )
    if asked.output and (names := facts["statistics"]):
        yield (
            f"the running statistics of {len(names)} batch norms are merged like weights, and are "
            "not those of the merged network: refresh them on data before you evaluate"
        )
    if asked.output and facts["metadata"] and not asked.output.endswith(".safetensors"):
        yield "a torch file has no place for the metadata of the first input: they are left out"
