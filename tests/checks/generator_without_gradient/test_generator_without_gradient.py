"""Unit tests of `generator-without-gradient`, on invented runs."""

from __future__ import annotations

from assay.checks.gan.generator_without_gradient import GeneratorWithoutGradient
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training
from assay.testing.turns import call, loss, step, turn

CHECK = GeneratorWithoutGradient()
LIMIT = int(CHECK.limit("steps"))
OWN = turn(loss(10, call("D", 9), call("D", 9, fed=("G",))), step(0, "D"))
CUT = turn(loss(13, call("D", 12, fed=("G",))), step(1, "G", moved=()))


def run(*turns: Event[object], steps: int = LIMIT) -> RunView:
    trainings = [make_training(index=0, steps=50), make_training(index=1, steps=steps)]
    return make_run(*trainings, events=turns)


def test_at_the_limit() -> None:
    (finding,) = CHECK.review(run(OWN, CUT))
    assert finding.where.site == Site("train.py", 12, "<module>")
    assert finding.training == 1


def test_just_under_the_limit() -> None:
    assert list(CHECK.review(run(OWN, CUT, steps=LIMIT - 1))) == []


def test_two_steps_after_both_losses() -> None:
    cut = turn(*OWN.data["passes"], *CUT.data["passes"], step(0, "D"), step(1, "G", moved=()))
    (finding,) = CHECK.review(run(cut))
    assert finding.where.site == Site("train.py", 12, "<module>")


def test_real_and_generated_rows_in_one_batch() -> None:
    mixed = turn(loss(10, call("D", 9, fed=("G",), mixed=True)), step(0, "D"))
    assert len(list(CHECK.review(run(mixed, CUT)))) == 1
    whole = turn(loss(10, call("D", 9, fed=("G",))), step(0, "D"))
    assert list(CHECK.review(run(whole, CUT))) == []


def test_a_generator_with_a_gradient_of_any_loss_is_silent() -> None:
    once = turn(loss(13, call("D", 12, over=("G",)), call("G", 11)), step(1, "G"))
    other = turn(loss(13, call("G", 11)), step(1, "G"))
    for turns in ((OWN, once), (OWN, CUT, once), (OWN, other), (OWN,), ()):
        assert list(CHECK.review(run(*turns))) == []
