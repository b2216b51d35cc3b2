"""What is otherwise in the set-up of two runs: what was run, from which text, by what, where."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ..journal.events import SEED
from ..journal.view import RunView
from .model import ANY, ARITHMETIC, DATA, DRAWN, Difference, Stage, if_other, in_words
from .parts import parts

ABSENT = "none"
MOST = 8
"""Entries of one kind that are named; a table of fifty packages hides the one that counts."""
_FIRST = ("torch", "numpy", "python")
"""Packages whose version is told first."""


def differences(a: RunView, b: RunView) -> Iterator[Difference]:
    """Yields what differs, what explains most first."""
    yield from _command(a, b)
    yield from _sources(a, b)
    yield from if_other("tricks", *(_listed(_setup(view).get("tricks")) for view in (a, b)))
    yield from _seeds(a, b)
    yield from parts(a, b)
    yield from _environment(a, b)
    yield from _versions(a, b)
    for key in ("platform", "cores"):
        yield from if_other(key, *(_setup(view).get(key) for view in (a, b)), explains=ARITHMETIC)
    yield from _git(a, b)


def script(view: RunView) -> str:
    """Returns the script, or what else was run, as the command names it; "" if it is not known."""
    words = [str(word) for word in _setup(view).get("arguments") or ()]
    if not words:
        words = [str(word) for word in view.facts.get("command") or ()][1:]
    if words[:1] == ["-m"]:
        return " ".join(words[:2])
    return next((word for word in words if not word.startswith("-")), "")


def environment(view: RunView) -> Mapping[str, Any]:
    """Returns the variables of a run's environment that change what torch computes."""
    return _mapping(_setup(view).get("environment"))


def _setup(view: RunView) -> Mapping[str, Any]:
    return _mapping(view.facts.get("setup"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(values: Any) -> str:
    known = values if isinstance(values, (list, tuple)) else ()
    more = f" and {len(known) - MOST} more" if len(known) > MOST else ""
    return f"{', '.join(map(str, known[:MOST]))}{more}" or ABSENT


def _command(a: RunView, b: RunView) -> Iterator[Difference]:
    yield from if_other("script", *(script(view) for view in (a, b)))
    yield from if_other("arguments", *(shlex.join(_words(v)) or ABSENT for v in (a, b)))
    yield from if_other("folder", *(view.facts.get("cwd") for view in (a, b)), explains=DATA)


def _words(view: RunView) -> list[str]:
    """Returns the arguments behind the script."""
    words = [str(word) for word in _setup(view).get("arguments") or ()]
    name = script(view).split(" ")[-1]
    return words[words.index(name) + 1 :] if name in words else words


def _sources(a: RunView, b: RunView) -> Iterator[Difference]:
    """Compares files by what they held: those named in the command, and all that were loaded."""
    one, other = _digests(a), _digests(b)
    for name in sorted(one.keys() & other.keys()):
        yield from if_other(f"text of {name}", one[name][:8], other[name][:8])
    loaded = [{below(view, path) for path in _setup(view).get("sources") or ()} for view in (a, b)]
    if all(loaded) and script(a) == script(b):
        only = [_listed(sorted(x - y)) for x, y in (loaded, loaded[::-1])]
        yield from if_other("files of this run alone", *only)


def _digests(view: RunView) -> dict[str, str]:
    """Returns the hash of each source file, by its path from where the run began."""
    named = {**_mapping(_setup(view).get("digests")), **_mapping(_setup(view).get("files"))}
    return {below(view, path): str(digest) for path, digest in named.items()}


def below(view: RunView, path: str) -> str:
    """Returns a path as seen from where the run began, if it lies below."""
    cwd = str(view.facts.get("cwd") or "")
    path = os.path.normpath(os.path.join(cwd, str(path)))
    return os.path.relpath(path, cwd) if cwd and path.startswith(os.path.join(cwd, "")) else path


def _seeds(a: RunView, b: RunView) -> Iterator[Difference]:
    one, other = _seeded(a), _seeded(b)
    for kind in dict.fromkeys([*one, *other]):
        said = [", ".join(seeds.get(kind, ())[:MOST]) or "not set" for seeds in (one, other)]
        yield from if_other(f"seed of {kind}", *said, explains=DRAWN)
    shifts = [_setup(view).get("seed_offset") or 0 for view in (a, b)]
    yield from if_other("offset of seeds", *shifts, explains=DRAWN)


def _seeded(view: RunView) -> dict[str, list[str]]:
    """Returns what each generator was seeded with, in order."""
    found: dict[str, list[str]] = {}
    for event in view.events(SEED):
        known = found.setdefault(str(event.data.get("of", "torch")), [])
        value = str(event.data.get("value"))
        if value not in known:
            known.append(value)
    return found


def _environment(a: RunView, b: RunView) -> Iterator[Difference]:
    one, other = environment(a), environment(b)
    for name in sorted({*one, *other}):
        explains = DATA | DRAWN if name == "PYTHONHASHSEED" else ARITHMETIC
        values = [each.get(name, "not set") for each in (one, other)]
        yield from if_other(name, *values, explains=explains)


def _versions(a: RunView, b: RunView) -> Iterator[Difference]:
    """Compares packages; written as a run ends, so that one that was killed has only torch's."""
    one, other = (
        {**_mapping(_setup(view).get("versions")), **view.facts.get("versions", {})}
        for view in (a, b)
    )
    if not {"torch", "numpy"} & one.keys() or not {"torch", "numpy"} & other.keys():
        one, other = (
            {"torch": view.facts.get("torch"), "python": known.get("python")}
            for view, known in ((a, one), (b, other))
        )
    names = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    names = [n for n in _FIRST if n in names] + [n for n in names if n not in _FIRST]
    for name in names[:MOST]:
        yield Difference(name, *(str(each.get(name) or "not loaded") for each in (one, other)))
    if len(names) > MOST:
        yield Difference(f"{len(names) - MOST} more packages", "", "")


def _git(a: RunView, b: RunView) -> Iterator[Difference]:
    """Compares the state of the repository: a cause only where texts were not compared."""
    one, other = (_mapping(_setup(view).get("git")) for view in (a, b))
    known = all(_setup(view).get("digests") for view in (a, b))  # then `_sources` tells more
    explains: frozenset[Stage] = frozenset() if known else ANY
    commits = [str(each.get("commit") or ABSENT)[:12] for each in (one, other)]
    yield from if_other("git commit", *commits, explains=explains)
    changed = [_listed(each.get("changed")) for each in (one, other)]
    yield from if_other("uncommitted changes in", *changed, explains=explains)
    branches = [in_words(each.get("branch") or ABSENT) for each in (one, other)]
    yield from if_other("git branch", *branches, explains=frozenset())
