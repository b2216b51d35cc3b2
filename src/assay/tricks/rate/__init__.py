"""Tricks on the learning rate."""
