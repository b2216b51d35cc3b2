"""Set-up of a run: what was run, by which versions, on what, and what observing cost."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ...journal.events import AUTOCAST, CHECKPOINTING, COMPILE, HOOK_REGISTERED, SEED
from ...journal.view import Group, RunView, Training
from ..console import clean
from ..ending import counted
from ..foot import asked, duration, processes, sampled
from ..model import Report
from ..source import short_path

_FIRST = ("torch", "python", "numpy")
_MOST_GROUPS = 12


def facts(report: Report) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns titled lists of names and values; a list without a value is left out."""
    view = report.view
    parts = [
        ("Run", _run(report)),
        ("Script", _script(view)),
        ("Machine", _machine(report)),
        ("Seeds", _seeds(view)),
        ("Precision", _precision(view)),
        ("Not seen into", _closed(view)),
        ("Cost of observing", _cost(report)),
    ]
    lists = [(title, [(name, clean(value)) for name, value in rows]) for title, rows in parts]
    return [(title, rows) for title, rows in lists if rows]


def versions(view: RunView) -> list[tuple[str, str]]:
    """Packages of the run, torch first."""
    known = {**(_setup(view).get("versions") or {}), **view.facts.get("versions", {})}
    names = [n for n in _FIRST if n in known] + sorted(n for n in known if n not in _FIRST)
    return [(clean(name), clean(known[name])) for name in names]


def optimizers(view: RunView) -> list[dict[str, Any]]:
    """Returns each optimizer with its parameter groups and their settings, as columns."""
    found = []
    for training in view.trainings:
        if training.rank != 0 or not training.groups:
            continue
        shown = training.groups[:_MOST_GROUPS]
        columns = [k for k in dict.fromkeys(k for g in shown for k in g.settings) if k != "count"]
        columns = [k for k in columns if any(g.settings.get(k) not in (None, False) for g in shown)]
        found.append(
            {
                "name": clean(training.optimizer or "weights changed by hand"),
                "site": clean(f"{short_path(training.site.file)}:{training.site.line}")
                if training.site
                else "",
                "steps": counted(training.steps, "step"),
                "columns": columns,
                "groups": [_group(training, group, columns) for group in shown],
                "left_out": len(training.groups) - len(shown),
            }
        )
    return found


def _group(training: Training, group: Group, columns: list[str]) -> list[str]:
    tensors = counted(len(group.parameters), "tensor")
    size = f"{group.elements:,}" if group.elements else "?"
    values = [_value(group.settings.get(column)) for column in columns]
    return [str(group.index), tensors, size, *values]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(item) for item in value)
    return "" if value is None else clean(value)


def _setup(view: RunView) -> Mapping[str, Any]:
    setup = view.facts.get("setup")
    return setup if isinstance(setup, dict) else {}


def _run(report: Report) -> Iterator[tuple[str, str]]:
    known = report.view.facts
    if words := known.get("command"):
        yield "command", shlex.join(str(word) for word in words)
    if known.get("cwd"):
        yield "folder", str(known["cwd"])
    if known.get("started"):
        yield "started", str(known["started"])[:19].replace("T", " ") + " UTC"
    if known.get("seconds") is not None:
        yield "took", duration(known["seconds"])
    if known.get("exit_code") is not None:
        yield "exit status", str(known["exit_code"])
    yield "steps", f"{report.view.steps:,}"
    if tricks := _setup(report.view).get("tricks"):
        yield "tricks", ", ".join(str(trick) for trick in tricks)
    else:
        yield "tricks", "none"


def _script(view: RunView) -> Iterator[tuple[str, str]]:
    git = _setup(view).get("git")
    if isinstance(git, dict):
        for key, value in git.items():
            if value not in (None, "", [], {}):
                yield f"git {key}", str(value)
    elif view.facts.get("setup"):
        yield "git", "not in a repository"
    for path in list(view.facts.get("sources") or ())[:8]:
        yield "source file", short_path(str(path))


def _machine(report: Report) -> Iterator[tuple[str, str]]:
    known, setup = report.view.facts, _setup(report.view)
    for key in ("torch", "device"):
        if known.get(key):
            yield key, str(known[key])
    if report.world_size > 1:
        yield "ranks", processes(report)
        group = (known.get("processes") or [{}])[0]
        if group.get("backend"):
            yield "backend", str(group["backend"])
        if mesh := group.get("mesh"):
            yield "mesh", _mesh(mesh["shape"], mesh["names"])
    elif report.separate:
        yield "processes", f"{len(report.separate)}, each trained by itself"
    if known.get("threads"):
        yield "threads", str(known["threads"])
    for key in ("cores", "platform"):
        if setup.get(key):
            yield key, str(setup[key])
    for key, value in (setup.get("environment") or {}).items():
        yield str(key), str(value)


def _mesh(shape: list[int], names: list[str] | None) -> str:
    """Returns `2 × 4 (replicate, shard)`."""
    return " × ".join(map(str, shape)) + (f" ({', '.join(names)})" if names else "")


def _seeds(view: RunView) -> Iterator[tuple[str, str]]:
    seeds = [event.data for event in view.events(SEED)][:8]
    for seed in seeds:
        yield str(seed.get("of", "seed")), str(seed.get("value"))
    if not seeds and view.observed:
        yield "seeds", "the script sets none"
    if _setup(view).get("seed_offset"):
        yield "offset of this run", str(_setup(view)["seed_offset"])


def _precision(view: RunView) -> Iterator[tuple[str, str]]:
    kinds: dict[str, int] = {}
    for parameter in view.parameters:
        kinds[parameter.dtype] = kinds.get(parameter.dtype, 0) + parameter.elements
    for kind, elements in kinds.items():
        yield f"weights in {kind}", f"{elements:,}"
    frozen = sum(p.elements for p in view.parameters if not p.trainable)
    if frozen:
        yield "of these frozen", f"{frozen:,}"
    for event in list(view.events(AUTOCAST))[:3]:
        yield "autocast", ", ".join(f"{k} {v}" for k, v in event.data.items())


def _closed(view: RunView) -> Iterator[tuple[str, str]]:
    """Says what of the script can't be seen into, and which parts of ours did not look."""
    for event in list(view.events(COMPILE))[:4]:
        yield "torch.compile", event.data["target"]
    if any(view.events(CHECKPOINTING)):
        yield "activation checkpointing", "its graphs are not read"
    if hooked := sorted({event.data["of"] for event in view.events(HOOK_REGISTERED)}):
        yield "autograd hooks on", ", ".join(hooked)
    yield from view.skipped.items()


def _cost(report: Report) -> Iterator[tuple[str, str]]:
    cost, overhead = report.view.facts.get("cost"), report.overhead_pct
    if not cost:
        return
    yield "samples", sampled(report)
    for iteration, gap in report.view.facts.get("thinned", [])[:3]:
        yield f"from iteration {iteration:,}", f"at most one in {gap:,} sampled, for it is dear"
    yield "own time", duration(cost["own_s"])
    if again := asked(report):
        yield "model asked again", again
    if overhead is not None:
        yield "share of step time", f"{overhead:.1f} %" if overhead >= 0.1 else "under 0.1 %"
