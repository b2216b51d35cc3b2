"""Checks of the family distributed."""
