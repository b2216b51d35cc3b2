"""Reports: one model of what is known of a run, shown in a terminal or written as JSON."""

from .model import Report, make_report

__all__ = ["Report", "make_report"]
