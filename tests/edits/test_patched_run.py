"""Runs that see the user's files with other text: the same world otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from assay.launch.environment import child_environment
from assay.launch.overlay import lay

SCRIPT = """\
import inspect, sys, os
import part
def f():
    return "old"
print(f(), part.value, __name__, __file__, sys.argv, sys.path[0], __spec__ is None)
print(inspect.getsource(f))
print(sorted(name for name in globals() if not name.startswith("__")))
"""


def run(
    tmp_path: Path, words: Sequence[str], patched: dict[Path, bytes], cwd: Path
) -> subprocess.CompletedProcess[str]:
    folder = tmp_path / "run"
    words = [str(cwd / word) if word.endswith(".py") else word for word in words]
    folder.mkdir()
    argv = lay(folder, [sys.executable, *words], patched)
    env = child_environment(folder, {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    return subprocess.run(
        argv, env=env, cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )


def project(tmp_path: Path) -> tuple[Path, Path]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "train.py").write_text(SCRIPT)
    (home / "part.py").write_text("value = 1\n")
    return home / "train.py", home / "part.py"


def test_a_script_and_a_module_of_it(tmp_path: Path) -> None:
    script, part = project(tmp_path)
    # a module that is in Python's cache already is replaced too
    subprocess.run([sys.executable, "-c", "import part"], cwd=script.parent, check=True)
    texts = {
        script: SCRIPT.replace('def f():\n', '\n\ndef f():\n').replace("old", "new").encode(),
        part: b"value = 2\n",
    }  # fmt: skip
    done = run(tmp_path, ["train.py", "--lr", "1"], texts, cwd=script.parent)
    assert done.stderr == ""
    first, *source, names = done.stdout.splitlines()
    argv = f"['{script}', '--lr', '1']"
    assert first == f"new 2 __main__ {script} {argv} {script.parent} True"
    assert source == ["def f():", '    return "new"', ""]
    assert names == "['f', 'inspect', 'os', 'part', 'sys']"
    assert script.read_text() == SCRIPT
    assert part.read_text() == "value = 1\n"


def test_only_a_module_of_the_script(tmp_path: Path) -> None:
    script, part = project(tmp_path)
    done = run(tmp_path, [str(script)], {part: b"value = 3\n"}, cwd=tmp_path)
    assert done.stdout.startswith(f"old 3 __main__ {script} ")


def test_a_script_that_is_run_as_a_module(tmp_path: Path) -> None:
    script, _ = project(tmp_path)
    text = SCRIPT.replace("old", "new").encode()
    done = run(tmp_path, ["-m", "train", "a"], {script: text}, cwd=script.parent)
    assert done.stdout.startswith(f"new 1 __main__ {script} ['{script}', 'a']")


def test_errors_name_the_user_s_own_file(tmp_path: Path) -> None:
    script, _ = project(tmp_path)
    done = run(tmp_path, [str(script)], {script: b"x = 1\nx / 0\n"}, cwd=tmp_path)
    assert done.returncode == 1
    assert f'File "{script}", line 2' in done.stderr
    assert done.stderr.rstrip().endswith("ZeroDivisionError: division by zero")


def test_nothing_is_in_the_way_of_an_ordinary_run(tmp_path: Path) -> None:
    script, _ = project(tmp_path)
    assert lay(tmp_path, ["python", "-u", str(script)], {}) == ["python", "-u", str(script)]
