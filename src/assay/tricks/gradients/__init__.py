"""Tricks on gradients."""
