"""Probes of trainings on several ranks: each writes what its own process does."""
