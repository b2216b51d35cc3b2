"""What stands after assay's options becomes the child's argv, or one clear line."""

import os
import subprocess
import sys
import zipfile

import pytest

from assay.launch import LaunchError, child_environment, find_python, resolve
from assay.launch.environment import BOOT


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_script(tmp_path):
    (tmp_path / "train.py").touch()
    command = resolve(["train.py", "--lr", "3e-4", "--", "-m"])
    assert command.argv == [sys.executable, "train.py", "--lr", "3e-4", "--", "-m"]
    assert (command.label, command.python) == ("train", sys.executable)


def test_a_module():
    command = resolve(["-m", "pkg.train", "-x"])
    assert command.argv == [sys.executable, "-m", "pkg.train", "-x"]
    assert command.label == "pkg.train"


def test_any_command():
    command = resolve(["--", "env", "python", "jobs/train.py", "--help"])
    assert command.argv == ["env", "python", "jobs/train.py", "--help"]
    assert (command.label, command.python) == ("train", None)
    assert resolve(["--", "env"]).label == "env"


def test_python_is_asked_for():
    assert find_python("sh").endswith("/sh")
    assert resolve(["-m", "x"], python=sys.executable).python == sys.executable
    with pytest.raises(LaunchError, match=r"--python: no interpreter at '/nowhere/python'"):
        find_python("/nowhere/python")


def test_python_without_torch_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    mine = tmp_path / "python"
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python() == str(mine)
    monkeypatch.setenv("PATH", "")
    assert find_python() == sys.executable


def test_the_parent_does_not_import_torch_to_find_it():
    words = "import sys, assay.launch; assay.launch.find_python(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def make(path, kind):
    """Make a file of some kind that Python runs, or does not."""
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("__main__.py", "")
    elif kind == "zip without main":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.py", "")
    else:
        path.write_bytes(kind)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("empty.py", b""),
        ("latin.py", "# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1")),
        ("with_bom.py", b"\xef\xbb\xbfx = 1\n"),
        ("tool", b"#!/usr/bin/env python3\n"),
        ("no_suffix", b"x = 1\n"),
        ("app.pyz", "zip"),
    ],
)
def test_what_python_runs(tmp_path, name, kind):
    make(tmp_path / name, kind)
    assert resolve([name]).argv[1] == name


def test_bytecode_and_pipes(tmp_path):
    import py_compile

    (tmp_path / "x.py").write_text("x = 1\n")
    py_compile.compile("x.py", cfile="x.pyc")
    assert resolve(["x.pyc"]).label == "x"
    os.mkfifo("pipe")
    assert resolve(["pipe"]).label == "pipe"


def test_a_folder_with_a_main(tmp_path):
    (tmp_path / "__main__.py").touch()
    assert resolve(["."]).label == tmp_path.name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to run: give SCRIPT"),
        ([""], "received ''"),
        (["-c", "pass"], "received '-c'"),
        (["--stepz", "3", "x.py"], "received '--stepz'"),
        (["-m"], "-m needs the name of a module"),
        (["-m", "--lr"], "-m needs the name of a module, received '--lr'"),
        (["--"], "-- needs a command to run"),
        (["missing.py"], "missing.py: no such file"),
        (["missing/train.py"], "missing/train.py: no such file"),
        (["a\0b.py"], "can't be read: embedded null byte"),
        (["file.py/train.py"], "can't be read: Not a directory"),
        (["folder"], "folder: a directory without __main__.py"),
        (["image.png"], "image.png: not a Python file (binary data)"),
        (["data.zip"], "data.zip: not a Python file (binary data)"),
        (["notes.ipynb"], "notes.ipynb: a notebook; call assay.start() in its first cell instead"),
        (["run.sh"], "run.sh: written for /bin/bash -e, not Python; try -- run.sh"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, words, message):
    (tmp_path / "folder").mkdir()
    make(tmp_path / "file.py", b"")
    make(tmp_path / "image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    make(tmp_path / "data.zip", "zip without main")
    make(tmp_path / "notes.ipynb", b"{}")
    make(tmp_path / "run.sh", b"#!/bin/bash -e\npython x.py\n")
    with pytest.raises(LaunchError) as caught:
        resolve(words)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.status == 2


@pytest.mark.parametrize(
    ("name", "status"),
    [("no-such-command", 127), ("./no-such", 127), ("./data.txt", 126), ("./", 126)],
)
def test_a_command_that_cannot_be_run(tmp_path, name, status):
    (tmp_path / "data.txt").touch()
    with pytest.raises(LaunchError, match=name) as caught:
        resolve(["--", name])
    assert caught.value.status == status


def test_a_command_on_the_path_that_is_not_executable(tmp_path, monkeypatch):
    (tmp_path / "tool").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LaunchError, match="tool: not executable") as caught:
        resolve(["--", "tool"])
    assert caught.value.status == 126


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, "{boot}"),
        ("", "{boot}"),
        ("lib", "{boot}:lib"),
        (":lib:", "{boot}::lib:"),
        ("{boot}:lib", "{boot}:lib"),
    ],
)
def test_two_variables_and_no_more(tmp_path, old, new):
    inherited = {"HOME": "/h"}
    if old is not None:
        inherited["PYTHONPATH"] = old.format(boot=BOOT)
    environment = child_environment(tmp_path, inherited)
    expected = {"HOME": "/h", "PYTHONPATH": new.format(boot=BOOT), "ASSAY_RUN": str(tmp_path)}
    assert environment == expected
    assert "ASSAY_RUN" not in os.environ


def test_a_home_that_python_path_cannot_express(tmp_path, monkeypatch):
    monkeypatch.setattr("assay.launch.environment.BOOT", tmp_path / "a:b")
    with pytest.raises(LaunchError, match="':'"):
        child_environment(tmp_path, {})
