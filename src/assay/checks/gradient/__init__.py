"""Checks of the gradient."""
