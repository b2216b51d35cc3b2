"""The script's own setting as a point of the space: from its record, its command, its source."""

from __future__ import annotations

import ast
import contextlib
import math
from collections.abc import Sequence
from pathlib import Path

from ..journal.view import RunView, Training
from ..signals.sweep import momentum
from ..trials.metric import main_training
from .setting import Settings, first_argument
from .space import WITHOUT, Dimension, Point, Value


def own_point(settings: Settings, view: RunView) -> Point | None:
    """Returns the script's own setting; None where it is not known, or lies outside the space.

    Args:
        settings: The space and the command.
        view: The record of a run of the script as it is.
    """
    point: dict[str, Value] = {}
    training = main_training(view)
    for dimension in settings.space:
        if dimension.kind == "trick":
            value = None if training is None else _of_trick(dimension, training)
        else:
            value = settings.own(dimension)
            if value is None and dimension.kind == "arg":
                value = default_of(settings.words, dimension.key)
        fitting = None if value is None else _fitting(dimension, value)
        if fitting is None:
            return None
        point[dimension.name] = fitting
    return point


def _of_trick(dimension: Dimension, training: Training) -> Value | None:
    name = dimension.name
    if WITHOUT in dimension.choices:
        return WITHOUT
    settings = training.groups[0].settings if training.groups else {}
    if name == "lr":
        rates = [training.series("learning_rate", p) for p in training.places("learning_rate")]
        return max((rate.first for rate in rates if len(rate)), default=None)
    if name == "weight-decay":
        value = settings.get("weight_decay")
    elif name == "momentum":
        value = momentum(training)
    elif name == "betas.beta2" and settings.get("betas"):
        value = settings["betas"][1]
    else:
        value = settings.get("eps") if name == "eps" else None
    return float(value) if isinstance(value, (int, float)) else None


def _fitting(dimension: Dimension, value: Value) -> Value | None:
    """Returns a value as the dimension has it; None if it lies outside."""
    if dimension.choices:
        for choice in dimension.choices:
            if choice == value or str(choice) == str(value):
                return choice
            with contextlib.suppress(ValueError, TypeError):
                if float(choice) == float(value):
                    return choice
        return None
    with contextlib.suppress(ValueError):
        number = float(value)
        if math.isfinite(number) and dimension.holds(number):
            return int(number) if dimension.whole else number
    return None


def default_of(words: Sequence[str], name: str) -> Value | None:
    """Returns an argument's default, where the script's own file tells it to argparse or click."""
    place = first_argument(words) - 1
    path = Path(words[place]) if 0 <= place < len(words) else Path()
    if path.suffix != ".py":
        return None
    try:
        tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if name not in [a.value for a in node.args if isinstance(a, ast.Constant)]:
            continue
        for keyword in node.keywords:
            if keyword.arg == "default" and isinstance(keyword.value, ast.Constant):
                value = keyword.value.value
                return value if isinstance(value, (int, float, str)) else None
    return None
