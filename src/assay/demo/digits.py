"""The bundled data: 1,797 handwritten digits of 8x8 pixels, read without any download."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

COUNT = 1797
PIXELS = 64
_FILE = Path(__file__).with_name("digits.u8.gz")


def load() -> tuple[torch.Tensor, torch.Tensor]:
    """Returns all images and their labels, in the order of the source.

    The values are raw on purpose: scaling them is the training script's job, and forgetting to is
    one of the faults that assay names.

    Returns:
        images: float32, shape [1797, 64], whole numbers from 0 (paper) to 16 (ink), row by row.
        labels: int64, shape [1797], the digit from 0 to 9.

    Raises:
        ValueError: The bundled file is damaged.

    Source: UCI Machine Learning Repository, Alpaydin and Kaynak (1998); see DIGITS-LICENSE.md.
    """
    import torch

    raw = bytearray(gzip.decompress(_FILE.read_bytes()))
    if len(raw) != COUNT * (PIXELS + 1):
        expected = COUNT * (PIXELS + 1)
        raise ValueError(f"{_FILE.name} is damaged: {len(raw)} bytes, expected {expected}")
    rows = torch.frombuffer(raw, dtype=torch.uint8).view(COUNT, PIXELS + 1)
    return rows[:, :PIXELS].to(torch.float32), rows[:, PIXELS].to(torch.int64)
