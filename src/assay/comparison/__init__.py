"""Two runs of one script side by side: where they part, and what differs before that."""

from .compare import compare
from .model import Change, Comparison, Difference, Parting, Seen, Stage

__all__ = ["Change", "Comparison", "Difference", "Parting", "Seen", "Stage", "compare"]
