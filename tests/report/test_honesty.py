"""What was not looked at is never shown as healthy."""

from __future__ import annotations

import html
import json
import re
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from assay.checks.base import Limit
from assay.checks.finding import Evidence, Where
from assay.checks.registry import CHECKS
from assay.checks.requirements import Steps
from assay.cli.run import summary
from assay.journal.view import Site
from assay.report import make_report
from assay.report.foot import each_check
from assay.report.page import render_page
from assay.report.page.verdict import causes, headline
from assay.report.sarif import as_sarif as sarif_log
from assay.report.terminal import render
from assay.signals.movement import unmoved
from assay.testing import make_run, make_training

STILL = [2.3 + 0.01 * (-1) ** step for step in range(400)]
FALLS = [2.3 - 0.004 * step for step in range(400)]


def text_and_page(report: Any) -> tuple[str, dict[str, str]]:
    return render(report, width=200), headline(report)


def test_a_loss_that_did_not_move_is_under_no_green_tick(invented: SimpleNamespace) -> None:
    view = make_run(loss=STILL, facts=invented.FACTS)
    report = make_report(view, [invented.Silent()])
    text, page = text_and_page(report)
    said = "the loss did not move (2.3 at first, 2.3 at the end of 400 steps): no check knows why"
    assert said in text
    assert "nothing wrong found" not in text
    assert (page["state"], page["word"]) == ("unseen", "Not learning")
    (still,) = report.as_dict()["not_moved"]
    assert still["training"] == "SGD #0"


def test_one_still_training_among_several_is_named(invented: SimpleNamespace) -> None:
    view = make_run(
        make_training(loss=FALLS), make_training(index=1, loss=STILL), facts=invented.FACTS
    )
    text, _ = text_and_page(make_report(view, [invented.Silent()]))
    assert "the loss of SGD #1 did not move" in text


@pytest.mark.parametrize(
    ("losses", "still"),
    [(STILL, True), (FALLS, False), (STILL[:49], False), ([*STILL, float("nan")], False)],
)
def test_which_losses_did_not_move(losses: list[float], still: bool) -> None:
    assert (unmoved(make_training(loss=losses)) is not None) == still


def test_a_short_run_says_so_first(invented: SimpleNamespace) -> None:
    report = make_report(make_run(loss=FALLS[:32], facts=invented.FACTS), [invented.Silent()])
    text, page = text_and_page(report)
    assert "too short to judge: 32 steps seen" in text
    assert page["word"] == "Too short to judge"
    assert "nothing wrong found" in render(
        make_report(make_run(loss=FALLS[:50], facts=invented.FACTS), [invented.Silent()])
    )


@pytest.mark.parametrize(
    ("losses", "said", "word"),
    [
        (FALLS[:32], "32 steps seen and nothing but notes found in them", "Too short to judge"),
        (STILL, "the loss did not move", "Not learning"),
        (FALLS, "", "Nothing wrong found"),
    ],
)
def test_notes_alone_hide_neither_a_short_run_nor_a_loss_that_stands_still(
    losses: list[float], said: str, word: str, invented: SimpleNamespace
) -> None:
    view = make_run(loss=losses, facts=invented.FACTS)
    report = make_report(view, [invented.Says("idea", severity="note", evidence=())])
    text, page = text_and_page(report)
    assert "note: idea" in text
    assert said in text
    assert ("too short" in text or "not learning" in text) == bool(said)
    assert page["word"] == word
    assert ("did not move" in summary(report)) == (losses is STILL)


def test_the_page_lists_each_check_once_with_its_reason(invented: SimpleNamespace) -> None:
    trainings = make_training(loss=FALLS), make_training(index=1, loss=FALLS[:20])
    view = make_run(*trainings, facts=invented.FACTS)
    says = invented.Says("ill", is_effect=(), leads_to=())
    report = make_report(view, [says, invented.Silent(), *CHECKS], ignore=["dead-units"])
    rows = dict(each_check(report))
    assert len(rows) == len(each_check(report)) == 2 + len(CHECKS)
    assert rows["ill"] == "judged: 1 finding"
    assert rows["dead-units"] == "ignored, as asked"
    page = html.unescape(render_page(report))
    for name, said in each_check(report):
        assert f"<tr><td>{name}</td><td>{said}</td></tr>" in page


def test_a_check_that_judged_one_training_says_why_not_the_other(
    invented: SimpleNamespace,
) -> None:
    class Long(invented.Silent):  # type: ignore[misc,name-defined]
        """Wants fifty steps."""

        requires = (Steps(),)
        limits: ClassVar = {"steps": Limit(50, "steps", "ours")}

    trainings = make_training(loss=FALLS), make_training(index=1, loss=FALLS[:20])
    report = make_report(make_run(*trainings, facts=invented.FACTS), [Long()])
    ((_, said),) = each_check(report)
    assert said == "judged, and found nothing; not SGD #1: 20 of the 50 steps that it needs"


def test_the_foot_says_how_many_judged_and_of_which_steps(invented: SimpleNamespace) -> None:
    cost = {"samples": 48, "own_s": 0.05, "opening_s": 0.01, "iterations": 4697, "last": 4690}
    view = make_run(make_training(loss=FALLS, steps=4697), facts={**invented.FACTS, "cost": cost})
    report = make_report(view, [invented.Silent(), *CHECKS])
    text = render(report, width=100)
    assert "48 of 4,697 sampled, to step 4,690" in text
    judged, blind = report.diagnosis.judged, len(report.diagnosis.skipped)
    assert judged + blind == 1 + len(CHECKS)
    assert f"{judged} checks judged" in text
    assert f"{blind} could not" in text


def test_verbose_lists_each_check_with_its_reason(invented: SimpleNamespace) -> None:
    view = make_run(loss=FALLS, facts=invented.FACTS)
    report = make_report(view, [invented.Silent(), *CHECKS], ignore=["dead-units"])
    text = render(report, width=400, verbose=True)
    for name, why in report.diagnosis.skipped.items():
        assert any(
            line.startswith(name) and " ".join(why.split()) in line for line in text.splitlines()
        ), name
    assert "judged, and found nothing" in text
    assert "ignored, as asked" in text
    assert "judged, and found nothing" not in render(report, width=400)
    assert "the model was asked again 6 times in 0.02 s, with copies of at most 64 MiB" in text


def test_what_observing_cost_has_two_names_in_json(invented: SimpleNamespace) -> None:
    report = make_report(make_run(loss=FALLS, facts=invented.FACTS), [invented.Silent()])
    run = json.loads(json.dumps(report.as_dict()))["run"]
    assert run["overhead_s"] == 0.05
    assert run["overhead_pct"] == round(100 * 0.05 / (10 - 0.05), 2)
    assert run["sampled"] == {"samples": 40, "iterations": 300, "last_step": 293}


def finding_of(report: Any) -> dict[str, Any]:
    (found,) = report.as_dict()["findings"]
    return found


def test_one_measurement_is_not_said_to_last_the_whole_run(invented: SimpleNamespace) -> None:
    training = make_training(loss=FALLS, sharpness={26: 3.0}, step_quality=[0.5] * 12)
    view = make_run(training, facts=invented.FACTS)
    evidence = (
        Evidence("sharpness", 3.0),
        Evidence("step_quality", 0.5),
        Evidence("made up", 1.0),
        Evidence("loss", 2.3, steps=(5, 9), samples=2),
    )
    report = make_report(view, [invented.Says("ill", evidence=evidence, steps=(0, 399))])
    once, often, unknown, given = finding_of(report)["evidence"]
    assert (once["steps"], once["samples"], once["title"]) == ([26, 26], 1, "Sharpness")
    assert (often["steps"], often["samples"]) == ([0, 11], 12)
    assert "samples" not in unknown
    assert (given["steps"], given["samples"]) == ([5, 9], 2)
    text = render(report, width=120)
    assert "Sharpness 3  once, at step 26" in text
    assert "12 times, steps 0 to 11" in text


def test_the_title_of_a_signal_stands_beside_its_name(invented: SimpleNamespace) -> None:
    view = make_run(stale_grad_norm=[1.0] * 9, facts=invented.FACTS)
    text = render(make_report(view, [invented.Says("ill")]), width=120)
    assert "Gradient left over (stale_grad_norm) 93.4" in text


def test_one_fault_at_several_lines_is_told_once_with_all_lines(invented: SimpleNamespace) -> None:
    class Thrice(invented.Says):
        def review(self, run: Any) -> Any:
            for line in (8, 3, 5):
                self._said["where"] = Where(site=Site(invented.SAMPLE, line, "build"))
                yield from super().review(run)

    view = make_run(loss=FALLS, facts=invented.FACTS)
    report = make_report(view, [Thrice("ill"), invented.Says("other", where=Where(module="a"))])
    assert [f.check for f in report.findings] == ["ill", "other"]
    assert [site.line for site in report.findings[0].sites] == [8, 3, 5]
    text = render(report, width=160)
    assert text.count("error: ill") == 1
    assert re.search(r"also at +\S*sample_train.py:3, \S*sample_train.py:5\n", text)
    assert [row["line"] for row in report.as_dict()["findings"][0]["also"]] == [3, 5]
    told, _ = causes(report)
    assert [line.rsplit(":", 1)[1] for line in told[0]["also"]] == ["3", "5"]
    result = sarif_log(report, [])["runs"][0]["results"][0]
    lines = [
        place["physicalLocation"]["region"]["startLine"]
        for place in result["relatedLocations"]
        if place["message"]["text"] == "the same, at this line"
    ]
    assert lines == [3, 5]
