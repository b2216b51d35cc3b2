"""Derived series: trends, ratios, noise, curves."""
