"""What is otherwise in the parts of two trainings: model, optimizer, loaders, precision, device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..journal.events import AUTOCAST, COMPILE, CONDITIONS, INPUT, LOADER
from ..journal.view import Parameter, RunView
from .model import ARITHMETIC, DATA, Difference, Stage, if_other, in_words

ABSENT = "none"
SETTINGS = frozenset((Stage.RATE, Stage.UPDATE))
"""What an optimizer's settings decide on."""

LOADING = ("dataset", "size", "batch_size", "sampler", "drop_last", "workers", "generator",
           "worker_init_fn", "num_samples", "replacement")  # fmt: skip
"""Settings of a loader that decide on its batches."""

CONDITION_NAMES: Mapping[str, str] = {
    "device": "device",
    "dtype": "type of the first weight",
    "threads": "threads of torch",
    "deterministic": "deterministic algorithms",
    "cudnn_deterministic": "cudnn.deterministic",
    "cudnn_benchmark": "cudnn.benchmark",
    "matmul_precision": "precision of float32 products",
    "capability": "instructions of the CPU",
    "cuda": "CUDA",
    "cudnn": "cuDNN",
}
"""What each condition is called."""


def parts(a: RunView, b: RunView) -> Iterator[Difference]:
    """Yields what differs, in the order of the title."""
    yield from _model(a, b)
    yield from _optimizers(a, b)
    yield from _loaders(a, b)
    yield from _precision(a, b)
    yield from _conditions(a, b)


def _model(a: RunView, b: RunView) -> Iterator[Difference]:
    one, other = ({p.name: p for p in view.parameters} for view in (a, b))
    if not one or not other:
        return
    shapes = [[(p.name, p.shape) for p in each.values()] for each in (one, other)]
    if shapes[0] != shapes[1]:
        elements = [sum(p.elements for p in each.values()) for each in (one, other)]
        first = _first_other(one, other)
        where = f", first {first}" if first else ", in another order"
        yield Difference("model", f"{elements[0]:,} weights{where}", f"{elements[1]:,} weights")
        return
    for key, what in (("dtype", "type"), ("trainable", "is trained:")):
        values = [[getattr(p, key) for p in each.values()] for each in (one, other)]
        at = next((i for i, (x, y) in enumerate(zip(*values, strict=True)) if x != y), None)
        if at is not None:
            name = list(one)[at]
            yield Difference(f"{what} of {name}" if key == "dtype" else f"{what} {name}",
                             in_words(values[0][at]), in_words(values[1][at]))  # fmt: skip
    kinds = [{m.name: (m.kind, dict(m.settings)) for m in view.modules} for view in (a, b)]
    for name in kinds[0]:
        if kinds[0][name] != kinds[1].get(name, kinds[0][name]):
            yield Difference(f"module {name}", *(_module(*each[name]) for each in kinds))
            return


def _first_other(one: Mapping[str, Parameter], other: Mapping[str, Parameter]) -> str:
    """Returns the first parameter that only one has, or in another shape; "" if there is none."""
    for name in [*one, *other]:
        if name not in one or name not in other or one[name].shape != other[name].shape:
            return name
    return ""


def _module(kind: str, settings: Mapping[str, Any]) -> str:
    return f"{kind}({', '.join(f'{k}={in_words(v)}' for k, v in settings.items())})"


def _optimizers(a: RunView, b: RunView) -> Iterator[Difference]:
    for one, other in zip(a.trainings, b.trainings, strict=False):
        yield from if_other("optimizer", *(t.optimizer or "by hand" for t in (one, other)))
        if one.optimizer != other.optimizer:
            continue
        yield from if_other("groups of parameters", len(one.groups), len(other.groups))
        for x, y in zip(one.groups, other.groups, strict=False):
            where = f" of group {x.index}" if len(one.groups) > 1 else ""
            for key in dict.fromkeys([*x.settings, *y.settings]):
                if key not in ("parameters", "names"):
                    values = [each.settings.get(key) for each in (x, y)]
                    name = f"{one.optimizer} {key}{where}"
                    yield from if_other(name, *values, explains=SETTINGS)


def _loaders(a: RunView, b: RunView) -> Iterator[Difference]:
    for one, other in zip(a.events(LOADER), b.events(LOADER), strict=False):
        for key in LOADING:
            name = f"loader {one.data.get('number') or 0}: {key.replace('_', ' ')}"
            values = [event.data.get(key) for event in (one, other)]
            yield from if_other(name, *values, explains=DATA)
    given: list[dict[str, Mapping[str, Any]]] = [
        {event.data["place"]: event.data for event in view.events(INPUT)} for view in (a, b)
    ]
    for place in given[0]:
        for key in ("shape", "dtype"):
            values = [each.get(place, given[0][place]).get(key) for each in given]
            yield from if_other(f"{key} of {place}", *values, explains=DATA)


def _precision(a: RunView, b: RunView) -> Iterator[Difference]:
    casts = [
        dict.fromkeys(
            f"{e.data['device']} {e.data['dtype']}"
            for e in view.events(AUTOCAST)
            if e.data.get("enabled")
        )
        for view in (a, b)
    ]
    yield from if_other("autocast", *(", ".join(c) or ABSENT for c in casts), explains=ARITHMETIC)
    compiled = [dict.fromkeys(e.data["target"] for e in view.events(COMPILE)) for view in (a, b)]
    said = [", ".join(each) or ABSENT for each in compiled]
    yield from if_other("torch.compile", *said, explains=ARITHMETIC)


def _conditions(a: RunView, b: RunView) -> Iterator[Difference]:
    one, other = (dict(next((e.data for e in view.events(CONDITIONS)), {})) for view in (a, b))
    for key, name in CONDITION_NAMES.items():
        if key in one and key in other:
            yield from if_other(name, one[key], other[key], explains=ARITHMETIC)
    yield from if_other("processes", *(int(view.facts.get("world") or 1) for view in (a, b)))
