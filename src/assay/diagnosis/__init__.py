"""Diagnosis: runs the checks and tells causes from symptoms."""

from .causes import can_lead
from .diagnose import Diagnosis, blinded, diagnose

__all__ = ["Diagnosis", "blinded", "can_lead", "diagnose"]
