"""`tools/add_*.py` in a copy of the tree: what they write is found, in style, and unfinished."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "tools", "docs/reference", "tests/checks", "tests/probes", "tests/tricks",
          "benchmarks", "pyproject.toml")  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    for part in COPIED:
        source, target = ROOT / part, copy / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (copy / "changelog").mkdir()
    return copy


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(tree / "src")}
    return subprocess.run(
        [sys.executable, *words], cwd=tree, env=env, capture_output=True, text=True, timeout=300
    )


def tidy(tree: Path, done: subprocess.CompletedProcess[str]) -> list[str]:
    """The Python files that were written or changed, once ruff has found nothing in them."""
    assert done.returncode == 0, done.stderr
    named = [line.split()[1] for line in done.stdout.splitlines()
             if line.startswith(("wrote ", "changed ")) and line.endswith(".py")]  # fmt: skip
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is not None:
        for mode in (["check"], ["format", "--check"]):
            found = subprocess.run([ruff, *mode, *named], cwd=tree, capture_output=True, text=True)
            assert found.returncode == 0, found.stdout
    return named


def test_a_new_check_is_discovered_has_a_page_and_is_not_done(tree: Path) -> None:
    done = run(tree, "tools/add_check.py", "restart-without-warmup", "--family", "schedule")
    named = tidy(tree, done)
    assert "src/assay/checks/schedule/restart_without_warmup.py" in named
    scripts = {path.name for path in (tree / "tests/checks/restart_without_warmup").iterdir()}
    assert scripts == {"sick.py", "healthy.py", "fixed.py", "test_restart_without_warmup.py"}
    assert (tree / "docs/reference/checks/restart-without-warmup.md").is_file()
    assert (tree / "changelog/restart-without-warmup.added.md").is_file()
    listed = run(tree, "-m", "assay", "checks")
    assert "restart-without-warmup\tschedule\twarning\t" in listed.stdout
    unit = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", named[-1])
    assert "2 failed, 3 passed" in unit.stdout, unit.stdout
    again = run(tree, "tools/add_check.py", "restart-without-warmup", "--family", "schedule")
    assert again.returncode == 2
    assert "exists" in again.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("Dead", "--family", "model"), "a name is words joined by -, received 'Dead'"),
        (("dead-units", "--family", "model"), "a check called dead-units exists"),
        (("new-one", "--family", "modell"), "no family is called 'modell'"),
        (
            ("new-one", "--family", "loss", "--tier", "heuristic", "--severity", "error"),
            "a heuristic can't be an error",
        ),
    ],
)
def test_what_cannot_be_a_check(tree: Path, words: tuple[str, ...], says: str) -> None:
    done = run(tree, "tools/add_check.py", *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_new_probe_is_declared_listed_and_not_done(tree: Path) -> None:
    words = ("gradient-angles", "--family", "gradient", "--signal", "gradient_angle")
    words += ("--unit", "rad", "--per", "parameter")
    named = tidy(tree, run(tree, "tools/add_probe.py", *words))
    assert set(named) == {
        "src/assay/probes/gradient/gradient_angles.py",
        "src/assay/probes/catalogue.py",
        "src/assay/journal/signals.py",
        "tests/probes/references.py",
    }
    code = (
        "from assay.probes.catalogue import PROBES; from assay.journal.signals import SIGNALS;"
        "print(SIGNALS['gradient_angle'].by in {probe.name for probe in PROBES})"
    )
    assert run(tree, "-c", code).stdout == "True\n"
    again = run(tree, "tools/add_probe.py", *words)
    assert again.returncode == 2
    assert "gradient_angle is declared" in again.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("one", "loss", "--signal", "Loss-x"), "words joined by _, received 'Loss-x'"),
        (
            ("one", "loss", "--signal", "loss_x", "--per", "layer"),
            "no kind of place is called 'layer'",
        ),
        (
            ("one", "losses", "--signal", "loss_x"),
            "no folder of probes is called 'losses'; there are",
        ),
        (("gradients", "gradient", "--signal", "loss_x"), "gradient/gradients.py is there already"),
    ],
)
def test_what_cannot_be_a_probe(tree: Path, words: tuple[str, ...], says: str) -> None:
    name, family, *rest = words
    done = run(tree, "tools/add_probe.py", name, "--family", family, *rest)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_new_trick_has_its_place_and_is_not_done(tree: Path) -> None:
    words = ("shrink-weights", "--family", "gradients", "--after", "clip-norm")
    named = tidy(tree, run(tree, "tools/add_trick.py", *words))
    assert set(named) == {
        "src/assay/tricks/gradients/shrink_weights.py",
        "src/assay/tricks/catalogue.py",
        "tests/tricks/gradients/test_shrink_weights.py",
        "benchmarks/tricks_by_hand.py",
    }
    code = "from assay.tricks.catalogue import TRICKS; print(*[trick.name for trick in TRICKS])"
    assert "clip-norm shrink-weights clip-value" in run(tree, "-c", code).stdout
    assert (tree / "docs/reference/tricks/shrink-weights.md").is_file()
    unit = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", "-k", "plain",
               "tests/tricks/gradients/test_shrink_weights.py")  # fmt: skip
    assert unit.returncode == 1, unit.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("clip-norm", "--family", "gradients", "--after", "lr"),
            "a trick called clip-norm exists",
        ),
        (("new-one", "--family", "grads", "--after", "lr"), "no family is called 'grads'"),
        (("new-one", "--family", "rate", "--after", "rl"), "--after: no trick is called 'rl'"),
    ],
)
def test_what_cannot_be_a_trick(tree: Path, words: tuple[str, ...], says: str) -> None:
    done = run(tree, "tools/add_trick.py", *words)
    assert done.returncode == 2
    assert says in done.stderr
