"""Tricks on data and what a loss is given."""
