"""Tricks on numeric precision."""
