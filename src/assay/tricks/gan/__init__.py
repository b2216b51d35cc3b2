"""Tricks for networks that are trained against each other."""
