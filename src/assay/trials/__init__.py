"""Trials: a control and treated re-runs on the same seeds; each ends in a verdict."""
