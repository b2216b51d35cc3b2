"""What is known of a checkpoint before any of its numbers are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch


class Entry(NamedTuple):
    """One tensor of a checkpoint.

    Attributes:
        shape: Its sizes.
        dtype: Its type.
        tied: The first name of the same data; its own name where nothing is shared.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    tied: str

    @property
    def bytes(self) -> int:
        """How many it takes."""
        return torch.Size(self.shape).numel() * self.dtype.itemsize


class Checkpoint(ABC):
    """A checkpoint whose tensors are read one at a time.

    Attributes:
        path: As the user named it.
        entries: Its tensors, in its own order.
        metadata: Text that lies beside them; torch files have none.
        versions: `_metadata` of a state dict: which version of which module wrote it.
    """

    path: str
    entries: dict[str, Entry]
    metadata: dict[str, str]
    versions: object = None

    @abstractmethod
    def read(self, name: str, begin: int = 0, end: int | None = None) -> torch.Tensor:
        """Returns a tensor in memory of its own.

        Args:
            name: Of the tensor.
            begin: Its first entry that is wanted, counted over all.
            end: The first that is not; None for the whole tensor, in its shape.

        Raises:
            MergeError: It can't be read.
        """
