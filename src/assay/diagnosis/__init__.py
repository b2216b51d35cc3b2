"""Diagnosis: runs the checks and tells causes from symptoms."""

from .causes import can_lead
from .diagnose import Diagnosis, diagnose

__all__ = ["Diagnosis", "can_lead", "diagnose"]
