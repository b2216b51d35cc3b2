"""Child side: collects the numbers of a sampled iteration; device scalars in one transfer."""

from __future__ import annotations

from typing import Any

import torch

from .numbers import compact
from .signals import SIGNALS
from .writer import Journal

Values = dict[str, dict[str, Any]]


class Recorder:
    """Numbers wait here, as floats or as tensors on their device, until their sample is closed.

    On an accelerator the copy to the host is started when a sample is closed and read when it has
    arrived, so that no step waits for it.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._values: Values = {}
        self._tensors: dict[tuple[str, str], torch.Tensor] = {}
        self._flying: list[tuple[Any, Any, list[tuple[dict[str, Any], str]], dict[str, Any]]] = []

    def put(self, signal: str, place: str, value: float | torch.Tensor) -> None:
        """Records one number; the last one for a place counts, however many were put there.

        A tensor must have no dimension and is not kept past the sample. Raises KeyError for a
        signal that is not declared.
        """
        row = self._values.setdefault(SIGNALS[signal].name, {})
        if isinstance(value, torch.Tensor):
            self._tensors[signal, place] = value.detach()
        else:
            self._tensors.pop((signal, place), None)
            row[place] = compact(float(value))

    def close(self, training: int, step: int, *, skipped: bool = False) -> None:
        """Ends the sample: its numbers belong to step `step` of training number `training`.

        One that a GradScaler skipped is marked: the next attempt has the same number.
        """
        values, tensors = self._values, self._tensors
        self._values, self._tensors = {}, {}
        self.flush_arrived()
        if not values:
            return
        line: dict[str, Any] = {"o": training, "s": step, "v": values}
        if skipped:
            line["skipped"] = True
        groups: dict[tuple[torch.device, torch.dtype], list[tuple[dict[str, Any], str, Any]]] = {}
        for (signal, place), tensor in tensors.items():
            entry = values[signal], place, tensor
            groups.setdefault((tensor.device, tensor.dtype), []).append(entry)
        waiting = False
        for (device, _dtype), entries in groups.items():
            packed = torch.stack([tensor for _, _, tensor in entries])
            slots = [(row, place) for row, place, _ in entries]
            if device.type == "cpu":
                self._fill(packed, slots)
                continue
            host = packed.to("cpu", non_blocking=True)
            event = torch.Event(device=device)
            event.record()
            self._flying.append((event, host, slots, line))
            waiting = True
        if not waiting:
            self.journal.put("sample", **line)

    def flush_arrived(self, *, wait: bool = False) -> None:
        """Writes samples whose numbers have arrived on the host; all of them if `wait`."""
        while self._flying and (wait or self._flying[0][0].query()):
            event, host, slots, line = self._flying.pop(0)
            if wait:
                event.synchronize()
            self._fill(host, slots)
            if not any(entry[3] is line for entry in self._flying):
                self.journal.put("sample", **line)

    def drop(self) -> None:
        """Forgets an unfinished sample."""
        self._values, self._tensors = {}, {}

    @staticmethod
    def _fill(packed: torch.Tensor, slots: list[tuple[dict[str, Any], str]]) -> None:
        for (row, place), value in zip(slots, packed.tolist(), strict=True):
            row[place] = compact(float(value))
