"""Edits: what a trick does, as a change of the user's own source that they could have written."""
