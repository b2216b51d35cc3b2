"""How a search is made: what its options may be, and which of them go together."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Iterable

from ..launch.errors import LaunchError
from ..tuning.metric import read_metrics
from ..tuning.pruners import PRUNERS, SEEDWISE
from ..tuning.samplers import ONE_METRIC, OUTSIDE, SAMPLERS
from .words import did_you_mean


def check_choice(given: argparse.Namespace) -> None:
    """Refuses what can't be had together.

    Raises:
        LaunchError: What it is, and what to do.
    """
    read_metrics(given.metric)
    pruner = f"--pruner {given.pruner}"
    if given.sampler in OUTSIDE and importlib.util.find_spec(given.sampler) is None:
        name = given.sampler
        raise LaunchError(f"--sampler {name} needs its library: pip install 'assay[{name}]'")
    if given.engine == "ray":
        if importlib.util.find_spec("ray") is None:
            raise LaunchError("--engine ray needs Ray: pip install 'assay[ray]'")
        if given.workers < 2:
            raise LaunchError("--engine ray takes workers beside this process: --workers 4")
    if len(given.metric) > 1:
        if given.sampler in ONE_METRIC:
            raise LaunchError(
                f"--sampler {given.sampler} takes one --metric: tpe, gp and nsga2 take several"
            )
        if given.pruner != "none":
            raise LaunchError(f"{pruner} takes one --metric: leave it out where there are several")
    if given.pruner == SEEDWISE and given.repeat < 3:
        raise LaunchError(f"{pruner} compares seeds: give each point some, as in --repeat 6")
    if given.pruner not in ("none", SEEDWISE) and given.repeat > 1:
        raise LaunchError(f"{pruner} compares runs on their way: with --repeat use {SEEDWISE}")


def sampler(text: str) -> str:
    """Reads the name of a sampler."""
    return _one_of(text, SAMPLERS)


def pruner(text: str) -> str:
    """Reads the name of a pruner."""
    return _one_of(text, PRUNERS)


def _one_of(text: str, names: Iterable[str]) -> str:
    if text not in names:
        hint = did_you_mean(text, names)
        raise argparse.ArgumentTypeError(
            f"must be one of {', '.join(names)}, received {text!r}{hint}"
        )
    return text


def seed(text: str) -> int:
    """Reads a whole number from 0."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, received {text!r}")
    return int(text)
