"""Checks of the family gan."""
