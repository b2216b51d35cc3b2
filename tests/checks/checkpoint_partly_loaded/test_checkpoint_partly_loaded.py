"""Unit tests of `checkpoint-partly-loaded`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.model.checkpoint_partly_loaded import CheckpointPartlyLoaded
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run

CHECK = CheckpointPartlyLoaded()
LINE = Site("train.py", 30)
FITS_NOT = {"matched": 0, "missing": ["a.weight"], "unexpected": ["module.a.weight"]}


def load(step: int = 0, **facts: Any) -> Event[Any]:
    usual = {"owner": "Net", "kind": "module", "module": None, "keys": 8, "given": 6, "matched": 6,
             "missing": ["fc.weight", "fc.bias"], "unexpected": [], "mismatched": [], "own": 0,
             "prefix": None, "prefix_matched": 0}  # fmt: skip
    return Event("load_state", step, {**usual, **facts}, LINE)


def found(*loads: Event[Any], exit_code: int = 0) -> list[Finding]:
    models = [Event("model", 0, {"root": cls, "cls": cls}) for cls in ("Net", "Other")]
    run: RunView = make_run(events=[*models, *loads], facts={"exit_code": exit_code})
    return list(CHECK.review(run))


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("module.", "`module.` taken off their names"),
        ("+backbone.", "`backbone.` put before their names"),
        ("encoder.>backbone.", "`backbone.` for `encoder.` in their names"),
    ],
)
def test_names_that_another_prefix_would_make_fit(prefix: str, words: str) -> None:
    (finding,) = found(load(**FITS_NOT, prefix=prefix, prefix_matched=6))
    assert (finding.severity, finding.where.site) == ("error", LINE)
    assert finding.summary == (
        f"0 of 6 given tensors fitted Net, which has 8; with {words} it would have been 6"
    )


def test_nothing_that_fits_is_a_warning_and_one_tensor_is_silent() -> None:
    (finding,) = found(load(**FITS_NOT))
    assert finding.severity == "warning"
    assert found(load(**{**FITS_NOT, "matched": 1})) == []


def test_a_backbone_with_a_new_head_is_silent() -> None:
    assert found(load()) == []
    assert found(load(unexpected=["classifier.weight"], given=7)) == []
    assert found(load(keys=6, given=9, unexpected=["decoder.weight"])) == []


def test_a_module_that_translates_old_names_is_silent() -> None:
    assert found(load(**{**FITS_NOT, "unexpected": []})) == []


def test_a_load_that_is_repeated_is_judged_by_the_last_one() -> None:
    bad = load(**FITS_NOT, prefix="module.", prefix_matched=6)
    assert found(bad, load()) == []
    assert len(found(load(), bad)) == 1
    assert len(found(bad, load(owner="Other"))) == 1


def test_an_error_counts_where_it_was_caught_and_not_tried_again() -> None:
    failed = load(**{**FITS_NOT, "unexpected": []}, failed="Unexpected key(s)", prefix="module.",
                  prefix_matched=6)  # fmt: skip
    (finding,) = found(failed)
    assert finding.summary.endswith("the error that this raised was caught")
    assert found(failed, exit_code=1) == []
    assert found(failed, load(**FITS_NOT)) != found(failed)


def test_the_own_state_of_a_model_before_its_training() -> None:
    own = {"keys": 8, "given": 8, "matched": 8, "own": 8, "missing": []}
    (finding,) = found(load(**own))
    assert finding.severity == "warning"
    assert "all 8 tensors that Net was to load are its own" in finding.summary
    assert found(load(**{**own, "own": 7})) == []
    (finding,) = found(load(step=5, **own), load(step=9, **own))
    assert finding.severity == "warning"
    assert "as they were after 9 steps: nothing was brought back" in finding.summary
    assert found(load(step=5, **own), load(step=9)) == []


def test_modules_that_are_never_called_are_silent_and_wrappers_are_not() -> None:
    assert found(load(owner="Average", **FITS_NOT)) == []
    assert len(found(load(owner="DataParallel", **FITS_NOT))) == 1


def test_runs_without_a_load_are_silent_and_optimizers_are_no_modules() -> None:
    assert found() == []
    assert found(load(kind="optimizer", **FITS_NOT)) == []
    assert found(load(**{**FITS_NOT, "given": 0})) == []
