"""The few signs that a report is drawn with, in Unicode and in ASCII."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs, each one column wide."""

    error: str
    warning: str
    note: str
    healthy: str
    unseen: str
    branch: str
    last: str
    pointer: str
    bar: str
    line: str
    dot: str
    arrow: str
    cut: str

    def of(self, severity: str) -> str:
        """Returns the sign of a severity."""
        return {"error": self.error, "warning": self.warning}.get(severity, self.note)


UNICODE = Glyphs("✗", "▲", "●", "✓", "?", "├", "└", "❯", "│", "─", "·", "→", "…")
ASCII = Glyphs("x", "!", "*", "+", "?", "-", "-", ">", "|", "-", "-", ">", ".")
