"""The runs folder in a browser: on this machine only, with curves while a script runs."""

from .server import Viewer

__all__ = ["Viewer"]
