"""A program under assay sees what it would see under plain Python."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

WORLD = Path(__file__).parent / "world.py"


def place(launcher, name):
    target = launcher.cwd / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(WORLD, target)


def a_file(launcher):
    place(launcher, "world.py")
    return ["world.py"]


def a_file_with_arguments(launcher):
    place(launcher, "world.py")
    return ["world.py", "--lr", "3e-4", "--", "-m", "", "two words", "--help"]


def a_far_file(launcher):
    place(launcher, "../far/away/world.py")
    return ["../far/away/world.py"]


def an_absolute_file(launcher):
    place(launcher, "world.py")
    return [str(launcher.cwd / "world.py")]


def a_module(launcher):
    place(launcher, "lib/world.py")
    return ["-m", "lib.world", "-x"]


def a_package(launcher):
    place(launcher, "lib/__main__.py")
    (launcher.cwd / "lib" / "__init__.py").touch()
    return ["-m", "lib"]


def a_folder(launcher):
    place(launcher, "app/__main__.py")
    return ["app", "x"]


def this_folder(launcher):
    place(launcher, "__main__.py")
    return ["."]


def a_zip(launcher):
    place(launcher, "app/__main__.py")
    shutil.make_archive(str(launcher.cwd / "app"), "zip", launcher.cwd / "app")
    return ["app.zip"]


def a_symlink(launcher):
    place(launcher, "../far/world.py")
    (launcher.cwd / "link.py").symlink_to("../far/world.py")
    return ["link.py"]


def a_file_without_suffix(launcher):
    place(launcher, "world")
    return ["world"]


FORMS = [a_file, a_file_with_arguments, a_far_file, an_absolute_file, a_module, a_package,
         a_folder, this_folder, a_zip, a_symlink, a_file_without_suffix]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_form(launcher, form):
    status, out, err = launcher.both(*form(launcher))
    assert (status, err) == (0, "")
    assert json.loads(out)["sitecustomize"] is None


def test_under_an_old_python_path(launcher):
    (launcher.cwd / "lib").mkdir()
    launcher.env["PYTHONPATH"] = f"lib{os.pathsep}{os.pathsep}/nowhere"
    place(launcher, "world.py")
    _, out, _ = launcher.both("world.py")
    assert str(launcher.cwd / "lib") in json.loads(out)["path"]


def test_a_foreign_sitecustomize_takes_our_place(launcher):
    launcher.env["PYTHONPATH"] = "site"
    launcher.script("import builtins\nbuiltins.chained = __name__, __file__\n",
                    "site/sitecustomize.py")  # fmt: skip
    place(launcher, "world.py")
    _, out, _ = launcher.both("world.py")
    assert json.loads(out)["sitecustomize"].endswith("/site/sitecustomize.py")
    launcher.run_dir = launcher.cwd / "second"
    status, out, _ = launcher.both(launcher.script("print(chained)"))
    assert (status, out.startswith("('sitecustomize'")) == (0, True)


@pytest.mark.parametrize("fault", ["1 / 0", "import nothing_of_this_name", "raise SystemExit(5)"])
def test_a_broken_foreign_sitecustomize_breaks_as_before(launcher, fault):
    launcher.env["PYTHONPATH"] = "site"
    launcher.script(fault, "site/sitecustomize.py")
    plain = launcher.run(launcher.plain(launcher.script("print('ran')")))
    # Straight to the child: the driver is a Python too, and would meet the same fault first.
    boot = Path(__file__).parents[2] / "src" / "assay" / "launch" / "boot"
    env = {**launcher.env, "PYTHONPATH": f"{boot}:site", "ASSAY_RUN": str(launcher.cwd)}
    code, out, err = launcher.run(launcher.plain("train.py"), env=env)
    assert (code, out) == plain[:2]
    assert err.splitlines()[-1:] == plain[2].splitlines()[-1:]


def test_any_command(launcher):
    launcher.script("import sys; print(sys.argv); sys.exit(3)", "x.py")
    status, out, _ = launcher.both("--", "sh", "-c", "python x.py 'a b'; echo status $?")
    assert (status, out) == (0, "['x.py', 'a b']\nstatus 3\n")


def test_inherited_descriptors_and_standard_input(launcher):
    script = launcher.script(
        "import os, sys; print(os.read(int(sys.argv[1]), 9), sys.stdin.read())"
    )
    results = []
    for words in (launcher.plain, launcher.driven):
        read, write = os.pipe()
        os.write(write, b"config")
        process = launcher.start(
            words(script, str(read)), stdin=subprocess.PIPE, pass_fds=(read, write)
        )
        out, err = process.communicate("typed", timeout=300)
        os.close(read)
        os.close(write)
        results.append((process.returncode, out, err))
    assert results == [(0, "b'config' typed\n", "")] * 2


def test_a_terminal(launcher):
    script = launcher.script(
        "import os, sys\n"
        "print([os.isatty(n) for n in (0, 1, 2)], sys.stdout.line_buffering, os.ttyname(1))\n"
        "print(tuple(os.get_terminal_size()), input())\n"
    )
    shown = []
    for words in (launcher.plain, launcher.driven):
        ours, theirs = os.openpty()
        process = launcher.start(words(script), stdin=theirs, stdout=theirs, stderr=theirs)
        name = os.ttyname(theirs)
        os.close(theirs)
        os.write(ours, b"typed\n")
        assert process.wait(timeout=300) == 0
        shown.append(os.read(ours, 4096).decode().replace(name, "TTY"))
        os.close(ours)
    assert shown[0] == shown[1]
    assert "[True, True, True]" in shown[0]
