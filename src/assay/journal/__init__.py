"""The append-only record of a run: written in the child by probes, read in the parent by all."""
