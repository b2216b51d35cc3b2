"""Checks on half precision and loss scaling."""
