"""The page: a report as one HTML file that needs nothing else."""

from .document import NAME, policy, render_page, write_page

__all__ = ["NAME", "policy", "render_page", "write_page"]
