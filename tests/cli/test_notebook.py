"""`assay.start()`, `stop()` and `watch()`: the same watch in the process one is in."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Assay = Callable[..., "subprocess.CompletedProcess[str]"]
Script = Callable[..., str]

NOTEBOOK = """\
import json, linecache, sys
import assay

assert "torch" not in sys.modules
cell = open("train.py").read()
name = "<ipython-input-3-0123456789ab>"
linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)


def run():
    exec(compile(cell, name, "exec"), {})


assert assay.stop() is None                      # nothing to stop: a note
assay.start()
assay.start()                                    # watched already: a note
run()
first = assay.stop()

import torch
plain = torch.optim.Optimizer.zero_grad.__code__
with assay.watch("second", show=False, ignore="zero-grad-missing") as second:
    assert torch.optim.Optimizer.zero_grad.__code__ is not plain
    run()
assert torch.optim.Optimizer.zero_grad.__code__ is plain
try:
    with assay.watch(show=False) as third:
        raise KeyError
except KeyError:
    pass
print(json.dumps([r.as_dict() for r in (first, second.report, third.report)]))
print(repr(first))
"""


@pytest.fixture
def notebook(
    script: Script, tmp_path: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    script()
    script(NOTEBOOK, name="notebook.py")
    return subprocess.run(
        [sys.executable, "notebook.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_watched_again_and_again(
    notebook: "subprocess.CompletedProcess[str]", tmp_path: Path
) -> None:
    assert notebook.returncode == 0, notebook.stderr
    *shown, line, summary = notebook.stdout.splitlines()
    first, second, third = json.loads(line)
    assert first["findings"][0]["check"] == "zero-grad-missing"
    assert first["findings"][0]["where"]["file"] == "<ipython-input-3-0123456789ab>"
    assert first["run"]["steps"] == second["run"]["steps"] == 60
    assert second["skipped"]["zero-grad-missing"] == "ignored, as asked"
    assert third["observed"] is False
    assert "assay.start()" in third["not_observed"]
    assert summary.startswith("<Report: error zero-grad-missing")
    text = "\n".join(shown)
    assert text.count("error: zero-grad-missing") == 1
    assert "optimizer.step()" in text
    notes = notebook.stderr.splitlines()
    assert notes[0] == "assay: nothing to stop: assay.start() was not called"
    assert notes[1].startswith("assay: watching already, into ")
    assert (tmp_path / "second" / "run.json").exists()
    assert len(list((tmp_path / ".assay" / "runs").iterdir())) == 2


def test_under_the_launcher_start_does_nothing_and_says_so(launched: Assay, script: Script) -> None:
    text = (
        "import assay\nassay.start()\n"
        f"exec(open({script()!r}).read())\n"
        "assert assay.stop() is None\n"
    )
    done = launched("check", "--quiet", script(text, name="both.py"))
    assert done.returncode == 0, done.stderr
    assert "assay: assay.start() does nothing: `assay check`" in done.stderr
    assert done.stderr.count("error: zero-grad-missing") == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"only": ["xyz"]}, "only: no check is called 'xyz'"),
        ({"ignore": "xyz"}, "ignore: no check is called 'xyz'"),
        ({"budget": 0}, "budget must be a number above 0, at most 1, received 0"),
        ({"budget": 2}, "received 2"),
    ],
)
def test_bad_settings(settings: dict[str, object], says: str) -> None:
    import assay
    from assay.launch import LaunchError

    with pytest.raises(LaunchError, match=says):
        assay.start(**settings)  # type: ignore[arg-type]


def test_public_names_are_sorted_and_there() -> None:
    import assay

    assert sorted(assay.__all__) == assay.__all__
    assert all(hasattr(assay, name) for name in assay.__all__)
