"""What can't be merged."""

from __future__ import annotations


class MergeError(Exception):
    """Checkpoints that can't be read or don't fit each other, told in one line."""
