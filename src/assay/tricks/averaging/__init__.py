"""Tricks that average weights over steps."""
