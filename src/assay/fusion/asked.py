"""What the user asked to be merged, and what can be refused before torch is started."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..launch.errors import LaunchError
from ..merging.methods import Method, MethodError, read_method

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
DTYPES = ("float64", "float32", "float16", "bfloat16")
SIGNED = ("task-arithmetic", "dare")
"""Methods in which a negative weight means something: to forget a task."""


@dataclass(frozen=True)
class Layer:
    """How the tensors of a pattern are merged; None keeps the merge's own way."""

    pattern: str
    method: Method | None
    weights: tuple[float, ...] | None


@dataclass(frozen=True)
class Asked:
    """A merge as it was asked for.

    Attributes:
        inputs: Paths, in the order given.
        output: Path; None to only compare the inputs.
        method: How.
        weights: One for each input.
        base, fishers, key, dtype, layers: As in `merging.merge.Merge`.
    """

    inputs: tuple[str, ...]
    output: str | None
    method: Method
    weights: tuple[float, ...]
    base: str | None = None
    fishers: tuple[str, ...] = ()
    key: str | None = None
    dtype: str | None = None
    layers: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        """Refuses what does not fit.

        Raises:
            LaunchError: In one line.
        """
        many = len(self.inputs)
        if many < 2:
            raise LaunchError(f"merge takes two checkpoints or more, received {many}")
        methods = [self.method, *(layer.method for layer in self.layers if layer.method)]
        for method in methods:
            if method.inputs not in (None, many):
                raise LaunchError(f"{method.name} takes {method.inputs} inputs, received {many}")
            if method.needs == "base" and self.base is None:
                raise LaunchError(f"{method.name} needs --base: what the inputs were trained from")
            if method.needs == "fisher" and len(self.fishers) != many:
                raise LaunchError(
                    f"{method.name} needs --fisher once for each of the {many} inputs, in their "
                    f"order; received {len(self.fishers)}"
                )
        if self.fishers and all(method.needs != "fisher" for method in methods):
            raise LaunchError("--fisher is read by --method fisher")
        self._fitting("--weights", self.weights, methods)
        for layer in self.layers:
            if layer.weights is not None:
                self._fitting(f"--layer {layer.pattern}", layer.weights, methods)

    def _fitting(self, said: str, weights: Sequence[float], methods: Sequence[Method]) -> None:
        if len(weights) != len(self.inputs):
            raise LaunchError(f"{said}: {len(weights)} weights for {len(self.inputs)} checkpoints")
        signed = all(method.name in SIGNED for method in methods)
        if not signed and (min(weights) < 0 or not sum(weights) > 0):
            raise LaunchError(f"{said}: weights are from 0 on, and one is above it")

    def request(self, **changes: Any) -> dict[str, Any]:
        """Returns it for the process that merges, with some of it changed."""
        return {
            "inputs": self.inputs,
            "output": self.output,
            "method": str(self.method),
            "weights": self.weights,
            "base": self.base,
            "fishers": self.fishers,
            "key": self.key,
            "dtype": self.dtype,
            "layers": [
                (layer.pattern, str(layer.method) if layer.method else None, layer.weights)
                for layer in self.layers
            ],
            **changes,
        }


def numbers(text: str, said: str) -> tuple[float, ...]:
    """Reads numbers with commas between them.

    Raises:
        LaunchError: One is none.
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = (math.nan,)
    if not all(map(math.isfinite, found)):
        raise LaunchError(f"{said} takes numbers with commas between them, received {text!r}")
    return found


def method_of(text: str, said: str = "--method") -> Method:
    """Reads a method and its options.

    Raises:
        LaunchError: There is none of that name, or it can't take that.
    """
    try:
        return read_method(text)
    except MethodError as error:
        raise LaunchError(f"{said}: {error}") from None


def layer_of(text: str) -> Layer:
    """Reads `PATTERN=METHOD,key=value` or `PATTERN=weights:0.9,0.1`.

    Raises:
        LaunchError: It is of neither form.
    """
    pattern, equals, how = text.partition("=")
    if not (pattern and equals and how):
        raise LaunchError(f"--layer takes PATTERN=METHOD or PATTERN=weights:A,B, received {text!r}")
    if how.startswith("weights:"):
        weights = numbers(how.removeprefix("weights:"), f"--layer {pattern}")
        return Layer(pattern, None, weights)
    return Layer(pattern, method_of(how, f"--layer {pattern}"), None)


def can_be_output(path: str, read: Sequence[str], *, force: bool) -> None:
    """Refuses to write over an input, whatever was forced, and over another file unless it was.

    Raises:
        LaunchError: It can't be written there.
    """
    target = Path(path)
    if target.suffix not in SUFFIXES:
        raise LaunchError(f"--output: {path} must end in one of {', '.join(SUFFIXES)}")
    if target.is_dir():
        raise LaunchError(f"--output: {path} is a directory")
    if not target.parent.is_dir():
        raise LaunchError(f"--output: no directory {target.parent}")
    if not target.exists():
        return
    for given in map(Path, read):
        within = given.is_dir() and target.resolve().parent == given.resolve()
        if within or (given.exists() and target.samefile(given)):
            raise LaunchError(f"--output: {path} is one of the inputs, which are never written")
        if given.name.endswith(".index.json") and target.resolve().parent == given.resolve().parent:
            raise LaunchError(f"--output: {path} may be a shard of {given}")
    if not force:
        raise LaunchError(f"--output: {path} exists; --force replaces it")
