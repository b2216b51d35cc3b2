"""Tricks on the optimizer and its hyper-parameters."""
