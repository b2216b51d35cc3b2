"""Checks: pure functions from a run to findings, one illness a file, one family a folder."""
