"""Unit tests of `parameters-without-gradient`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.model.parameters_without_gradient import ParametersWithoutGradient
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = ParametersWithoutGradient()
LINE = ["net.py", 17, "forward"]


def run(*, steps: int = 16, norms: tuple[float, ...] = (2.0, 2.0), **data: Any) -> RunView:
    usual = {"how": "detach", "by": LINE, "names": ["a.weight", "a.bias"], "count": 2, "traces": 2}
    training = make_training(
        steps=steps,
        grad_norm={"": [1.0], "b.weight": [1.0]},
        ungraded_weight_norm={"a.weight": norms, "a.bias": (0.5, 0.5)},
    )
    return make_run(training, events=[Event("graph_cut", 3, {**usual, **data}, training=0)])


def found(given: RunView) -> list[Finding]:
    return list(CHECK.review(given))


def test_a_cut_is_named_with_its_line() -> None:
    (finding,) = found(run())
    assert (finding.severity, finding.where.site) == ("error", Site("net.py", 17, "forward"))
    assert finding.summary == (
        "2 parameters of SGD #0 (a.weight, a.bias) never got a gradient in 16 steps, though their "
        "modules ran: their graph was cut by detach() at net.py:17"
    )


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            "checkpoint",
            "a re-entrant checkpoint none of whose inputs needs a gradient at net.py:17",
        ),
        ("no_grad", "a region without gradients at net.py:17"),
        ("data", ".data at net.py:17"),
    ],
)
def test_each_way_has_its_words(how: str, words: str) -> None:
    (finding,) = found(run(how=how))
    assert finding.summary.endswith(f"their graph was cut by {words}")


def test_without_a_line_it_is_a_note() -> None:
    (finding,) = found(run(how=None, by=None))
    assert finding.severity == "note"
    assert finding.summary.endswith("their modules ran: no graph leads to them")


def test_at_the_limit_of_steps() -> None:
    assert found(run(steps=15)) == []
    assert "15 of the 16 steps" in (CHECK.why_skipped(run(steps=15)) or "")


def test_what_gets_a_gradient_later_is_silent() -> None:
    assert found(run(names=["b.weight"], count=1)) == []
    (finding,) = found(run(names=["a.weight", "b.weight"]))
    assert finding.summary.startswith("1 parameter of SGD #0 (a.weight)")


def test_weights_that_someone_else_moves_are_silent() -> None:
    (finding,) = found(run(norms=(2.0, 2.1)))
    assert finding.details["parameters"] == ["a.bias"]


def test_a_training_without_any_gradient_is_left_to_others() -> None:
    bare = run()
    del bare.trainings[0].signals["grad_norm"]
    assert found(bare) == []


def test_of_another_training() -> None:
    given = run()
    given.trainings[0].index = 1
    assert found(given) == []


@pytest.mark.parametrize(("beside", "count"), [({"": [1.0]}, 1), ({}, 0)])
def test_an_optimizer_of_its_own_is_cut_off_where_another_learns(
    beside: dict[str, list[float]], count: int
) -> None:
    data = {"how": "detach", "by": LINE, "names": ["a.weight"], "count": 1, "traces": 2}
    encoder = make_training(index=0, steps=16)
    decoder = make_training(index=1, steps=16, grad_norm=beside)
    event = Event("graph_cut", 3, data, training=0)
    assert len(list(CHECK.review(make_run(encoder, decoder, events=[event])))) == count
