"""What a run was made with: versions of packages, and the user's own source files."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.probes.run import setup
from assay.probes.run.setup import Setup, sources, versions

from .conftest import Watching


def module(name: str, **content: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(content)
    return made


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [
        pytest.param("alpha", "1.2.3", True, id="a package"),
        pytest.param("alpha.part", "1.2.3", False, id="a part of one"),
        pytest.param("_alpha", "1.2.3", False, id="an internal one"),
        pytest.param("alpha", (1, 2), False, id="a version that is no text"),
        pytest.param("json", "2.0.9", False, id="the standard library"),
    ],
)
def test_versions_of_packages(
    monkeypatch: pytest.MonkeyPatch, name: str, version: Any, told: bool
) -> None:
    table = {"slots": object(), "beta": module("beta"), name: module(name, __version__=version)}
    monkeypatch.setattr(sys, "modules", table)
    found = versions()
    monkeypatch.undo()
    assert found == ({name: version} if told else {})


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Modules of many kinds below `tmp_path`, in `sys.modules` as if they were loaded."""
    names = ["own/a.py", "own/b.py", "venv/lib/site-packages/pkg.py", "lib/dist-packages/pkg.py"]
    for name in [*names, "own/native.so", "linked/c.py", "hidden/site-packages/d.py"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "link").symlink_to(tmp_path / "linked")
    (tmp_path / "outside").symlink_to(tmp_path / "hidden" / "site-packages")
    (tmp_path / "own" / "e.py").symlink_to(tmp_path / "hidden" / "site-packages" / "d.py")
    names += ["own/native.so", "link/c.py", "outside/d.py", "own/e.py", "own/gone.py"]
    table = {f"m{i}": module("m", __file__=str(tmp_path / n)) for i, n in enumerate(names)}
    table["again"] = module("again", __file__=str(tmp_path / "own/a.py"))
    table["none"], table["number"] = module("none", __file__=None), module("n", __file__=3)
    for name in ("os", "torch", "assay.probes.run.setup"):
        table[name] = sys.modules[name]
    monkeypatch.setattr(sys, "modules", table)
    return tmp_path.resolve()


def test_sources_are_the_users_own_files(files: Path) -> None:
    script = files / "train.py"
    script.touch()
    found = sources(str(script))
    assert found == [str(files / n) for n in ("linked/c.py", "own/a.py", "own/b.py", "train.py")]
    assert sources(None) == [path for path in found if path != str(script)]


def test_sources_are_bounded_and_sorted(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "MOST_SOURCES", 2)
    assert sources(None) == [str(files / "linked/c.py"), str(files / "own/a.py")]


def test_installed_files_are_not_resolved_one_by_one(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program has thousands of them: each look at the disk would cost a few microseconds."""
    many = files / "many" / "site-packages"
    many.mkdir(parents=True)
    for i in range(200):
        sys.modules[f"many{i}"] = module("many", __file__=str(many / f"m{i}.py"))
    calls = []
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: calls.append(path) or real(path))
    sources(None)
    assert len(calls) < 40


def test_the_line_of_a_run(watched: Watching, monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    script = files / "script.py"
    script.touch()
    main = module("__main__", __file__=str(script))
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "__main__", main)
    with watched(Setup) as seen:
        monkeypatch.undo()  # as Python takes it away from a script that has ended
        weight = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        weight.sum().backward()
        optimizer.step()
    assert seen.view.facts["versions"]["torch"] == torch.__version__
    assert str(script) in seen.view.facts["sources"]
    assert __file__ in seen.view.facts["sources"]
