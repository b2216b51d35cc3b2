"""Why there is no diff."""

from __future__ import annotations


class NotMechanicalError(Exception):
    """No short edit of the user's files does what the trick did.

    The message says why, or what to change by hand.
    """
