"""Passes of a DataLoader over its data: which follow each other, and in what order they drew."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..journal.events import EPOCH, LOADER, Epoch, Loader
from ..journal.view import Event, RunView


def whole_epochs(
    run: RunView, samplers: Collection[str], draws: float
) -> Iterator[tuple[Event[Loader], list[Event[Epoch]]]]:
    """Yields the whole epochs in a row of each loader that shuffles, within one training.

    Args:
        run: What was recorded.
        samplers: Classes of samplers whose loaders are looked at, unless they do not shuffle.
        draws: An epoch with fewer is left out: few orders are possible.
    """
    for loader in run.events(LOADER):
        data = loader.data
        if not data["grad"] or data["sampler"] not in samplers or data.get("shuffle") is False:
            continue
        row: list[Event[Epoch]] = []
        for event in run.events(EPOCH):
            same = event.process == loader.process and event.data["loader"] == data.get("number")
            if not same or not event.data["whole"]:
                continue
            if row and event.step <= row[-1].step:
                yield loader, row
                row = []
            if event.data["draws"] >= draws:
                row.append(event)
        yield loader, row
