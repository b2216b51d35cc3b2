"""What the author of a check or a trick needs: invented runs, a script runner, common suites."""

from .reads import only_finding, review
from .runs import make_run, make_training
from .warm import WarmRunner

__all__ = ["WarmRunner", "make_run", "make_training", "only_finding", "review"]
