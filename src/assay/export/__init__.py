"""A run's numbers for other programs: TensorBoard, tables and JSON, one format a file."""

from .formats import FORMATS, export, suggested

__all__ = ["FORMATS", "export", "suggested"]
