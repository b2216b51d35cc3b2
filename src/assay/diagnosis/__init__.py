"""Diagnosis: runs the checks and tells causes from symptoms."""

from .diagnose import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose"]
