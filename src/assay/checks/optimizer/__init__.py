"""Checks of the optimizer."""
