"""Causes by effect, level, scope and time, on invented findings: no torch, no process."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from typing import Any

import pytest

from assay.checks.base import Check
from assay.checks.effects import LEVELS, Effect, Level
from assay.checks.finding import Finding, Where
from assay.checks.registry import CHECKS
from assay.diagnosis import Diagnosis, can_lead, diagnose
from assay.diagnosis.words import drawn
from assay.journal.view import RunView
from assay.report.model import make_report
from assay.testing import make_run, make_training

NOT_LEARNING, NOT_FINITE = Effect.NOT_LEARNING, Effect.NOT_FINITE
DEAD, VANISHING, HIGH = Effect.DEAD, Effect.VANISHING, Effect.RATE_TOO_HIGH


class Stub(Check):
    """A check that finds what it is told, once for each dict in `found`."""

    family, severity, tier, reads = "gradient", "error", "exact", ()

    def __init__(
        self,
        name: str,
        family: str = "gradient",
        *,
        is_effect: tuple[Effect, ...] = (),
        leads_to: Collection[Effect] = (),
        found: tuple[dict[str, Any], ...] = ({},),
        **given: Any,
    ) -> None:
        self.name, self.family = name, family  # type: ignore[misc]
        self.is_effect, self.leads_to = is_effect, leads_to  # type: ignore[misc]
        self._found, self._given = found, given

    def review(self, run: RunView) -> Iterator[Finding]:
        for found in self._found:
            said = {**self._given, **found}
            training = said.pop("of", None)
            yield self.found(
                "it was seen",
                "it matters",
                training=None if training is None else run.trainings[training],
                **said,
            )


def run_of(trainings: int = 1, processes: int = 1, **facts: Any) -> RunView:
    """A run with so many trainings in each of so many processes."""
    made = [
        make_training(index=process * trainings + index, process=process, steps=1000)
        for process in range(processes)
        for index in range(trainings)
    ]
    return make_run(*made, facts=facts)


def explained(diagnosis: Diagnosis) -> dict[str, tuple[str, ...]]:
    return {f.check: f.explained_by for f in diagnosis.findings}


def at(*steps: int) -> dict[str, Any]:
    return {"steps": (steps[0], steps[-1])}


# --- effects ----------------------------------------------------------------------------------


def test_a_check_is_a_symptom_of_what_leads_to_its_effect() -> None:
    cause = Stub("cause", leads_to=(NOT_LEARNING,))
    symptom = Stub("symptom", "loss", is_effect=(NOT_LEARNING,))
    other = Stub("other", "loss", is_effect=(NOT_FINITE,))
    assert explained(diagnose(run_of(), [symptom, other, cause])) == {
        "cause": (), "other": (), "symptom": ("cause",),
    }  # fmt: skip


def test_one_of_several_effects_is_enough() -> None:
    cause = Stub("cause", leads_to=(DEAD, NOT_FINITE))
    symptom = Stub("symptom", is_effect=(NOT_FINITE, NOT_LEARNING), **at(5))
    assert explained(diagnose(run_of(), [symptom, cause]))["symptom"] == ("cause",)


def test_direct_causes_are_listed_with_causes_first() -> None:
    root = Stub("root", "data", leads_to=(DEAD, NOT_LEARNING))
    middle = Stub("middle", "model", is_effect=(DEAD,), leads_to=(NOT_LEARNING,), **at(3))
    end = Stub("end", is_effect=(NOT_LEARNING,), **at(9))
    diagnosis = diagnose(run_of(), [end, middle, root])
    assert explained(diagnosis) == {"root": (), "middle": ("root",), "end": ("root", "middle")}
    assert diagnosis.roots(2) == (0,)


def test_a_symptom_of_a_symptom_goes_back_to_the_root() -> None:
    root = Stub("root", "data", leads_to=(DEAD,))
    middle = Stub("middle", is_effect=(DEAD,), leads_to=(VANISHING,), **at(3))
    end = Stub("end", is_effect=(VANISHING,), leads_to=(NOT_LEARNING,), **at(4))
    last = Stub("last", is_effect=(NOT_LEARNING,), **at(9))
    report = make_report(run_of(), [last, end, middle, root])
    ((cause, symptoms),) = report.causes()
    assert cause.check == "root"
    assert {s.check: s.explained_by for s in symptoms} == {
        "middle": ("root",), "end": ("middle",), "last": ("end",),
    }  # fmt: skip


# --- no circle --------------------------------------------------------------------------------


def test_effects_that_claim_each_other_leave_one_cause() -> None:
    a = Stub("a", is_effect=(HIGH,), leads_to=(NOT_FINITE,), **at(5))
    b = Stub("b", is_effect=(NOT_FINITE,), leads_to=(HIGH,), **at(5))
    assert explained(diagnose(run_of(), [b, a])) == {"a": (), "b": ("a",)}


def test_three_that_claim_each_other_in_a_circle_have_a_cause() -> None:
    """The circle of 0.1.0: all three were symptoms, and `repr` said "nothing found"."""
    dead = Stub("dead", is_effect=(DEAD,), leads_to=(VANISHING,), **at(5))
    fading = Stub("fading", is_effect=(VANISHING,), leads_to=(HIGH,), **at(5))
    high = Stub("high", is_effect=(HIGH,), leads_to=(DEAD,), **at(5))
    report = make_report(run_of(), [dead, fading, high])
    assert explained(report.diagnosis) == {"high": (), "dead": ("high",), "fading": ("dead",)}
    assert repr(report) == "<Report: error high; 1000 steps>"
    assert [f["role"] for f in report.as_dict()["findings"]] == ["cause", "symptom", "symptom"]


def test_two_checks_of_one_effect_do_not_explain_each_other() -> None:
    flat = Stub("flat", is_effect=(NOT_LEARNING,), leads_to=(NOT_LEARNING,))
    stuck = Stub("stuck", is_effect=(NOT_LEARNING,), leads_to=(NOT_LEARNING,))
    assert set(explained(diagnose(run_of(), [flat, stuck])).values()) == {()}


def test_whatever_checks_claim_there_is_a_cause_and_no_circle() -> None:
    """Every check claims every effect; findings at the first step and later, of two trainings."""
    checks = [
        Stub(
            f"{family}-{effect.name}", family, is_effect=(effect,), leads_to=tuple(Effect),
            found=tuple({"of": of, "where": Where(module=str(step)), **at(step)}
                        for of, step in itertools.product((0, 1), (0, 7))),
        )
        for family, effect in itertools.product(("data", "optimizer"), Effect)
    ]  # fmt: skip
    diagnosis = diagnose(run_of(2), checks)
    assert len(diagnosis.findings) == 2 * len(checks)
    assert diagnosis.findings[0].role == "cause"
    left = dict(diagnosis.explained)
    while left:  # take away whatever is explained by none that is left
        free = [place for place, causes in left.items() if not set(causes) & left.keys()]
        assert free, "a circle"
        for place in free:
            del left[place]
    for place, finding in enumerate(diagnosis.findings):
        assert (finding.role == "cause") == (place not in diagnosis.explained)
        assert all(diagnosis.findings[root].role == "cause" for root in diagnosis.roots(place))


# --- level ------------------------------------------------------------------------------------


def test_a_later_place_in_training_does_not_explain_an_earlier_one() -> None:
    rate = Stub("rate", "optimizer", leads_to=(DEAD,))
    born = Stub("born", "model", is_effect=(DEAD,), **at(0))
    died = Stub("died", "model", is_effect=(DEAD,), **at(12))
    found = explained(diagnose(run_of(), [born, died, rate]))
    assert found == {"born": (), "rate": (), "died": ("rate",)}


def test_a_state_of_the_first_step_can_come_of_data_model_loss_and_gradient() -> None:
    for family in ("data", "model", "loss", "precision"):
        cause = Stub("cause", family, leads_to=(VANISHING,))
        symptom = Stub("symptom", "gradient", is_effect=(VANISHING,), **at(0))
        assert explained(diagnose(run_of(), [symptom, cause]))["symptom"] == ("cause",), family


def test_a_state_of_the_first_step_explains_what_training_came_to() -> None:
    born = Stub("born", is_effect=(VANISHING,), leads_to=(HIGH,), **at(0))
    later = Stub("later", is_effect=(VANISHING,), leads_to=(HIGH,), **at(4))
    high = Stub("high", is_effect=(HIGH,), **at(9))
    assert explained(diagnose(run_of(), [born, later, high]))["high"] == ("born",)


def test_a_check_may_name_its_own_level() -> None:
    late = Stub("late", "data", leads_to=(DEAD,))
    late.level = Level.OUTCOME  # type: ignore[misc]
    dead = Stub("dead", is_effect=(DEAD,), **at(0))
    assert explained(diagnose(run_of(), [late, dead]))["dead"] == ()


def test_every_family_has_a_level() -> None:
    assert {check.family for check in CHECKS} <= set(LEVELS)


# --- scope ------------------------------------------------------------------------------------


def test_nothing_is_a_symptom_of_another_optimizers() -> None:
    cause = Stub("cause", leads_to=(HIGH,), of=0)
    symptom = Stub("symptom", is_effect=(HIGH,), of=1, **at(5))
    assert explained(diagnose(run_of(2), [symptom, cause]))["symptom"] == ()
    own = Stub("symptom", is_effect=(HIGH,), of=0, **at(5))
    assert explained(diagnose(run_of(2), [own, cause]))["symptom"] == ("cause",)


def test_a_fault_of_the_data_reaches_all_trainings_of_its_process() -> None:
    cause = Stub("cause", "data", leads_to=(HIGH,), process=1)
    symptoms = Stub(
        "symptom", is_effect=(HIGH,), **at(5),
        found=tuple({"of": of, "where": Where(group=of)} for of in range(4)),
    )  # fmt: skip
    diagnosis = diagnose(run_of(2, processes=2), [symptoms, cause])
    roles = {f.training: f.role for f in diagnosis.findings}
    assert roles == {None: "cause", 0: "cause", 1: "cause", 2: "symptom", 3: "symptom"}


def test_ranks_of_one_run_train_together() -> None:
    """A rank that feeds NaN breaks the weights of all: gradients are averaged."""
    cause = Stub("cause", "data", leads_to=(NOT_FINITE,), process=1)
    symptom = Stub("symptom", is_effect=(NOT_FINITE,), of=0, **at(5))
    apart, together = run_of(processes=2), run_of(processes=2, world=2)
    assert explained(diagnose(apart, [symptom, cause]))["symptom"] == ()
    assert explained(diagnose(together, [symptom, cause]))["symptom"] == ("cause",)
    # the second optimizer of one rank is not the first one of another
    of = Stub("cause", leads_to=(NOT_FINITE,), of=3)
    run = run_of(2, processes=2, world=2)
    assert explained(diagnose(run, [symptom, of]))["symptom"] == ()
    of = Stub("cause", leads_to=(NOT_FINITE,), of=2)
    assert explained(diagnose(run, [symptom, of]))["symptom"] == ("cause",)


# --- time -------------------------------------------------------------------------------------


def test_a_later_fault_does_not_explain_an_earlier_one() -> None:
    late = Stub("late", leads_to=(NOT_FINITE,), **at(900, 999))
    nan = Stub("nan", is_effect=(NOT_FINITE,), **at(3, 999))
    assert explained(diagnose(run_of(), [nan, late]))["nan"] == ()
    early = Stub("early", leads_to=(NOT_FINITE,), **at(3, 999))
    assert explained(diagnose(run_of(), [nan, early]))["nan"] == ("early",)


def test_between_two_samples_a_fault_may_have_begun_earlier_than_it_was_seen() -> None:
    nan = Stub("nan", is_effect=(NOT_FINITE,), **at(500))
    for well_until, causes in ((31, ("seen",)), (499, ("seen",)), (500, ())):
        seen = Stub("seen", leads_to=(NOT_FINITE,), began=(well_until + 1, 900))
        assert explained(diagnose(run_of(), [nan, seen]))["nan"] == causes, well_until


def test_what_is_wrong_with_a_step_shows_at_the_next() -> None:
    rate = Stub("rate", "optimizer", leads_to=(NOT_FINITE,), **at(0))
    for step, causes in ((0, ()), (1, ("rate",))):
        nan = Stub("nan", is_effect=(NOT_FINITE,), **at(step))
        assert explained(diagnose(run_of(), [nan, rate]))["nan"] == causes


# --- copies -----------------------------------------------------------------------------------


def test_several_findings_of_one_check_do_not_explain_each_other() -> None:
    places = tuple({"where": Where(module=name)} for name in "abc")
    check = Stub("check", is_effect=(DEAD,), leads_to=tuple(Effect), found=places, **at(4))
    diagnosis = diagnose(run_of(), [check])
    assert [f.role for f in diagnosis.findings] == ["cause"] * 3


def test_each_finding_of_a_check_is_judged_by_itself() -> None:
    """Two optimizers, each without its reset; a symptom is told under its own."""
    missing = Stub(
        "missing", leads_to=(HIGH,),
        found=({"of": 0, "where": Where(group=0)}, {"of": 1, "where": Where(group=1)}),
    )  # fmt: skip
    high = Stub("high", is_effect=(HIGH,), of=1, **at(5))
    report = make_report(run_of(2), [high, missing])
    assert [(cause.training, len(symptoms)) for cause, symptoms in report.causes()] == [
        (1, 1), (0, 0),
    ]  # fmt: skip


def test_a_copy_in_another_training_is_told_once_and_explained_only_if_all_are() -> None:
    """A sweep: the reset is missing in all runs, the rate is too high in the last only."""
    missing = Stub("missing", leads_to=(HIGH,), found=tuple({"of": of} for of in range(3)))
    high = Stub("high", is_effect=(HIGH,), of=2, **at(5))
    assert explained(diagnose(run_of(3), [high, missing])) == {
        "missing": (), "high": ("missing",),
    }  # fmt: skip
    some = Stub("missing", leads_to=(HIGH,), of=0)
    both = Stub("high", is_effect=(HIGH,), found=({"of": 0}, {"of": 1}), **at(5))
    diagnosis = diagnose(run_of(3), [both, some])
    assert explained(diagnosis) == {"high": (), "missing": ()}
    assert next(f.training for f in diagnosis.findings if f.check == "high") == 1


# --- ranking ----------------------------------------------------------------------------------


def test_a_broken_invariant_leads_over_what_it_leads_to_whatever_the_severity() -> None:
    mode = Stub("mode", "model", leads_to=(HIGH,), severity="warning", tier="exact")
    high = Stub("high", is_effect=(HIGH,), severity="error", tier="probe", **at(5))
    diagnosis = diagnose(run_of(), [high, mode])
    assert [(f.check, f.role) for f in diagnosis.findings] == [
        ("mode", "cause"), ("high", "symptom"),
    ]  # fmt: skip


def test_a_broken_invariant_that_was_in_place_before_leads_though_nobody_claims_the_edge() -> None:
    mode = Stub("mode", "model", severity="warning", tier="exact")
    high = Stub("high", is_effect=(HIGH,), severity="error", tier="exact", **at(5))
    other = Stub("other", "data", severity="error", tier="probe")
    assert [f.check for f in diagnose(run_of(), [other, high, mode]).findings] == [
        "mode", "high", "other",
    ]  # fmt: skip
    late = Stub("late", "model", severity="warning", tier="exact", **at(6))
    assert [f.check for f in diagnose(run_of(), [late, high]).findings] == ["high", "late"]
    note = Stub("note", "model", severity="note", tier="exact")
    assert [f.check for f in diagnose(run_of(), [note, high]).findings] == ["high", "note"]
    elsewhere = Stub("mode", "model", severity="warning", tier="exact", found=({"of": 1},))
    here = Stub("high", is_effect=(HIGH,), severity="error", found=({"of": 0},), **at(5))
    assert [f.check for f in diagnose(run_of(2), [elsewhere, here]).findings] == ["high", "mode"]


def test_a_cause_is_as_grave_as_the_gravest_of_what_it_leads_to() -> None:
    grave = Stub("grave", severity="error", tier="probe")
    mild = Stub("mild", severity="warning", tier="heuristic")
    mode = Stub("mode", "model", leads_to=(HIGH,), severity="warning", tier="exact")
    middle = Stub("middle", is_effect=(HIGH,), leads_to=(NOT_FINITE,), severity="warning",
                  tier="probe", **at(5))  # fmt: skip
    end = Stub("end", is_effect=(NOT_FINITE,), severity="error", **at(7))
    diagnosis = diagnose(run_of(), [mild, grave, end, middle, mode])
    assert [f.check for f in diagnosis.causes] == ["mode", "grave", "mild"]


def test_a_note_explains_nothing_but_can_be_explained() -> None:
    note = Stub("note", "data", leads_to=(HIGH,), severity="note")
    high = Stub("high", is_effect=(HIGH,), severity="error", **at(5))
    assert explained(diagnose(run_of(), [note, high])) == {"high": (), "note": ()}
    cause = Stub("cause", leads_to=(HIGH,))
    remark = Stub("remark", is_effect=(HIGH,), severity="note", **at(5))
    assert explained(diagnose(run_of(), [cause, remark]))["remark"] == ("cause",)


def test_a_finding_in_preview_explains_nothing() -> None:
    young = Stub("young", "data", leads_to=(HIGH,), severity="warning", tier="heuristic")
    young.status = "preview"  # type: ignore[misc]
    high = Stub("high", is_effect=(HIGH,), **at(5))
    assert explained(diagnose(run_of(), [young, high])) == {"high": (), "young": ()}


@pytest.mark.parametrize(
    ("one", "other"), [({"severity": "error"}, {"severity": "warning"}),
                       ({"tier": "exact"}, {"tier": "probe"}),
                       ({"tier": "probe"}, {"tier": "heuristic"}),
                       (at(3), at(4))],
)  # fmt: skip
def test_causes_are_ordered(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = Stub("first", **one), Stub("second", **other)
    assert [f.check for f in diagnose(run_of(), [second, first]).findings] == ["first", "second"]


# --- the catalogue ----------------------------------------------------------------------------


def test_every_claim_of_a_check_can_come_true() -> None:
    """An effect that no check shows, or only ones that sit too low, is an empty claim."""
    for check in CHECKS:
        for effect in check.leads_to:
            shown = [c for c in CHECKS if effect in c.is_effect and can_lead(check, c)]
            assert shown, f"{check.name} leads to {effect.name}, which no check can show"


def test_checks_that_ship_leave_no_circle() -> None:
    """Each check finds its illness at the first step and later, whoever explains whom."""
    stubs = [
        Stub(
            check.name, check.family, is_effect=check.is_effect, leads_to=tuple(check.leads_to),
            found=tuple({"where": Where(module=str(step)), **at(step)} for step in (0, 7)),
        )
        for check in CHECKS
    ]  # fmt: skip
    left = dict(diagnose(run_of(), stubs).explained)
    assert left
    while left:
        free = [place for place, causes in left.items() if not set(causes) & left.keys()]
        assert free, "a circle"
        for place in free:
            del left[place]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_edge_has_a_clause_that_says_how(check: Check) -> None:
    for effect in check.leads_to:
        said = check.because(effect)
        assert said[0].islower()
        assert not said.endswith(".")
        assert not [other.name for other in CHECKS if other.name in said]


def test_an_effect_speaks_for_a_check_that_says_nothing_of_its_own() -> None:
    class Own(Stub):
        """Has a clause for one of two."""

    own = Own("own", leads_to={DEAD: "because of it"})
    assert own.because(DEAD) == "because of it"
    assert (
        Stub("none", leads_to=(DEAD,)).because(DEAD) == "with it, units give zero for every sample"
    )


def test_a_drawing_has_what_brings_a_check_on_above_and_what_comes_of_it_below() -> None:
    root = Stub("root", "data", leads_to={DEAD: "it kills"})
    dead = Stub("dead", is_effect=(DEAD,), leads_to={NOT_LEARNING: "it stops"})
    flat = Stub("flat", is_effect=(NOT_LEARNING,))
    every = [root, dead, flat]
    assert drawn(dead, every) == ["┌── root  it kills", "└─▶ dead", "    └─▶ flat  it stops"]
    assert drawn(root, every) == ["root", "└─▶ dead  it kills"]
    assert drawn(Stub("alone"), [*every, Stub("alone")]) == []
