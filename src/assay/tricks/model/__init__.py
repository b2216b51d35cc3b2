"""Tricks on the model itself."""
