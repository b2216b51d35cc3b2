"""What a check declares is what it reads: all of it, nothing else, nothing misspelt."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.checks.base import Check
from assay.checks.finding import Finding
from assay.checks.registry import CHECKS
from assay.diagnosis import diagnose
from assay.journal.events import EVENTS, LOSS_CALL
from assay.journal.view import RunView
from assay.testing import make_run, review
from assay.testing.reads import reads_held

PACKAGE = Path(assay.__file__).parent


class Reader(Check):
    name, family, severity, tier = "reader", "loss", "error", "exact"
    needs = ("grad_norm",)
    reads = ("grad_norm", "loss_call")

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            for place in training.places("grad_norm"):
                if training.series("grad_norm", place).last > 1:
                    yield self.found("it grew", "it is large")
        list(run.events(LOSS_CALL))


class Hidden(Reader):
    def review(self, run: RunView) -> Iterator[Finding]:
        run.trainings[0].series("weight_norm")
        yield from super().review(run)


class Misspelt(Reader):
    def review(self, run: RunView) -> Iterator[Finding]:
        run.trainings[0].series("grad_nrom")
        yield from super().review(run)


def test_a_check_that_says_what_it_reads_is_let_through() -> None:
    assert review(Reader(), make_run(grad_norm=[0.5])) == []
    assert len(review(Reader(), make_run(grad_norm=[2.0]))) == 1


def test_what_is_not_declared_fails_the_test_of_its_check() -> None:
    run = make_run(grad_norm=[0.5])
    with pytest.raises(AssertionError, match="reader reads weight_norm: name it in `reads`"):
        review(Hidden(), run)
    with reads_held([Hidden()]):
        skipped = diagnose(run, [Hidden()]).skipped
    assert "error in the check itself: AssertionError" in skipped["reader"]
    assert diagnose(run, [Hidden()]).silent == ("reader",), "and only there"


def test_a_misspelt_signal_fails_at_once() -> None:
    with pytest.raises(KeyError, match="did you mean grad_norm"):
        review(Misspelt(), make_run(grad_norm=[0.5]))
    why = diagnose(make_run(grad_norm=[0.5]), [Misspelt()]).skipped["reader"]
    assert "error in the check itself: KeyError" in why


def test_an_error_while_it_is_asked_whether_it_can_judge_is_told_as_well() -> None:
    class Broken(Reader):
        def why_skipped(self, run: RunView) -> str | None:
            raise KeyError("what an older record does not have")

    why = diagnose(make_run(grad_norm=[0.5]), [Broken()]).skipped["reader"]
    assert "error in the check itself: KeyError" in why


@pytest.mark.parametrize(
    ("declared", "error"),
    [
        ({"reads": ("grad_nrom",)}, "no signal or event is called 'grad_nrom'; did you mean"),
        ({"needs": ("loss",), "reads": ("grad_norm",)}, "Wrong needs loss, which its `reads`"),
    ],
)
def test_a_wrong_declaration_fails_at_import(declared: dict[str, Any], error: str) -> None:
    with pytest.raises((KeyError, ValueError), match=error):
        type("Wrong", (Check,), declared)


def mentioned(module: Path, seen: set[Path]) -> set[str]:
    """Signals and events named in a module, in its parts, and in what it imports of signals/."""
    seen.add(module)
    constants = {name.upper(): name for name in EVENTS}
    tree = ast.parse(module.read_text(encoding="utf-8"))
    declared = {
        id(constant)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("needs", "reads")
        for constant in ast.walk(node.value)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set() if id(node) in declared else {node.value}
        elif isinstance(node, ast.Name):
            found.add(constants.get(node.id, ""))
        elif isinstance(node, ast.ImportFrom) and node.level and node.module:
            name = node.module.rpartition(".")[2]
            folder = module.parent if name.startswith("_") else PACKAGE / "signals"
            other = folder / f"{name}.py"
            if other.is_file() and other not in seen:
                found |= mentioned(other, seen)
    return found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_nothing_is_declared_that_is_not_read(check: Check) -> None:
    module = PACKAGE.joinpath(*type(check).__module__.split(".")[1:]).with_suffix(".py")
    unread = sorted({*check.reads} - {*check.needs} - mentioned(module, set()))
    assert not unread, f"{check.name} declares {', '.join(unread)} and does not read it"


def test_what_is_declared_without_need_is_found(tmp_path: Path) -> None:
    module = tmp_path / "a.py"
    module.write_text('class A:\n    reads = ("loss", "seed", "clip")\n    x = "loss", SEED\n')
    assert {"loss", "seed"} <= mentioned(module, set())
    assert "clip" not in mentioned(module, set())


def test_a_run_without_what_a_check_needs_is_not_healthy() -> None:
    for check in CHECKS:
        assert check.needs, f"{check.name} would be silent on a run of which nothing is known"
        assert check.why_skipped(make_run()) is not None


def test_a_check_whose_probe_failed_is_not_silent() -> None:
    run = make_run(grad_norm=[0.5])
    assert diagnose(run, [Reader()]).silent == ("reader",)
    run.failed["losses"] = "ZeroDivisionError: division by zero"
    found = diagnose(run, [Reader()])
    assert found.silent == ()
    why = "could not look: the probe `losses` failed: ZeroDivisionError: division by zero"
    assert found.skipped == {"reader": why}
    ill = make_run(grad_norm=[2.0])
    ill.failed["losses"] = "ZeroDivisionError: division by zero"
    assert len(diagnose(ill, [Reader()]).findings) == 1, "what it found it found"
