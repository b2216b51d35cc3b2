"""Tricks that regularise."""
