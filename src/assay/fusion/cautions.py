"""What has to be said of a merge, beside that it was made."""

from __future__ import annotations

from collections.abc import Iterator

from .fused import Fused

STRANGERS = 0.5
"""Below this cosine over all matrices two inputs are taken to have been trained apart. Of nine
pairs of small nets it was 0.01 to 0.03 with other initial weights, where the average was worse than
both, and 0.94 to 1 with the same ones, where it was not (`benchmarks/merging.md`)."""


def cautions(fused: Fused) -> Iterator[str]:
    """Yields one sentence for each."""
    asked, facts = fused.asked, fused.facts
    cosine = facts["likeness"]["cosine"]
    if cosine is not None and cosine < STRANGERS and not fused.curve and not fused.aligned:
        yield (
            f"the inputs have little in common (cosine {cosine:.2f} over all matrices): nets that "
            "were trained apart are, averaged, usually worse than either; --align SCRIPT matches "
            "their units first, --evaluate SCRIPT measures"
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
    if asked.output and (names := facts["statistics"]) and not fused.batches:
        yield (
            f"the running statistics of {len(names)} batch norms are merged like weights, and are "
            "not those of the merged network: --calibrate train.py refreshes them on its data"
        )
    if asked.output and facts["metadata"] and not asked.output.endswith(".safetensors"):
        yield "a torch file has no place for the metadata of the first input: they are left out"
