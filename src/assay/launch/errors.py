"""What goes wrong before the user's script has started."""

from __future__ import annotations


class LaunchError(Exception):
    """A run that can't start, told in one line.

    Args:
        message: One clear line: what was wrong, what was received, what to do instead.
        status: Exit status for the command line: 2 for bad input, and as in a shell 126 for a
            command that can't be executed and 127 for one that isn't there.
    """

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status
