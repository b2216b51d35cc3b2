"""Pages to look at, and a browser to look at them with where there is one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.checks.base import Check
from assay.checks.effects import Effect
from assay.checks.finding import Evidence, Finding, Remedy, Where
from assay.checks.registry import CHECKS
from assay.journal.reader import read_run
from assay.journal.view import Event, Group, Module, Parameter, RunView, Site
from assay.report import Report, make_report
from assay.report.page import write_page
from assay.testing import make_run
from assay.testing.long_run import write_long_run
from assay.trials.change import Change
from assay.trials.plan import CONTROL, Candidate, candidate_of
from assay.trials.result import Result
from assay.trials.statistics import compare
from assay.trials.trial import Trial
from assay.trials.verdict import Reverse, Verdict
from assay.tricks.reading import read_all

HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=2'>\"'{{7*7}}"
"""Markup, quotes and a template's own signs; each text of the hostile run begins with it."""


class Says(Check):
    """A check that says what it is told to say."""

    family, tier, reads = "gradient", "exact", ()

    def __init__(
        self,
        name: str,
        is_effect: tuple[Effect, ...] = (),
        leads_to: tuple[Effect, ...] = (),
        **said: Any,
    ) -> None:
        self.name, self._said = name, said  # type: ignore[misc]
        self.is_effect, self.leads_to = is_effect, leads_to  # type: ignore[misc]
        self.severity = said.get("severity", "error")  # type: ignore[misc]

    def review(self, run: RunView) -> Iterator[Finding]:
        yield self.found(**self._said)


class Blind(Check):
    """A check that could not look."""

    family, severity, tier = "gradient", "error", "exact"
    needs = reads = ("loss_alike",)
    name = "blind"


@pytest.fixture(scope="session")
def hostile() -> str:
    """What every text of the hostile page begins with."""
    return HOSTILE


def sick_view(text: str = "", site: Site | None = None, **facts: Any) -> RunView:
    """A run with something for every part of the page; `text` stands before each name."""
    layers = [f"{text}{kind}" for kind in ("first", "second", "third")]
    rising = [0.1 * 1.3**step for step in range(30)]
    every: dict[str, Any] = {
        signal: {f"{name}.weight": [value * (1 + i) for value in rising]
                 for i, name in enumerate(layers)}
        for signal in ("grad_norm", "update_norm", "weight_norm", "grad_zero_share")
    }  # fmt: skip
    every["grad_norm"][""] = rising
    place = f"{text}input 0"
    return make_run(
        facts={"id": f"{text}run", "command": ["python", f"{text}train.py", f"--name={text}"],
               "exit_code": 0, "seconds": 12.3, "torch": "2.13.0", "device": "cpu",
               "setup": {"git": {"commit": f"{text}abc"}, "tricks": [text] if text else []},
               "versions": {f"{text}torch": f"{text}2.13.0"}, **facts},
        modules=[Module("Net", "Net"), *(Module(n, f"{text}Linear") for n in layers)],
        parameters=[Parameter(f"{n}.weight", (4, 4), "float32") for n in layers],
        events=[
            Event("model", 0, {"root": "Net", "cls": "Net"}),
            Event("seed", 0, {"of": f"{text}torch", "value": 0}),
            Event("input", 0, {"place": place, "shape": [8, 4], "dtype": f"{text}float32"}),
            Event("loader", 0, {"sampler": f"{text}RandomSampler", "dataset": f"{text}Digits",
                                "size": 64, "batch_size": 8, "grad": True}, site),
        ],
        loss=[2.3 + 0.1 * step for step in range(60)],
        learning_rate={"group 0": [0.1] * 60},
        step_quality=[0.5] * 30, rate_times_sharpness=[1.0 + 0.1 * s for s in range(30)],
        stability_limit=[2.0] * 30, loss_scale=[65536.0] * 30,
        time_s={20: 1.0, 40: 2.0, 59: 3.5},
        input_mean={place: [0.5] * 30}, input_min={place: [0.0] * 30},
        input_max={place: [1.0] * 30},
        input_fingerprint={place: [float(s % 20) for s in range(30)]},
        input_bin_share={f"{place} [{i}]": {0: (i + 1) / 10} for i in range(4)},
        label_count={f"{text}{c}": [float(c + 1)] * 30 for c in range(3)},
        activation_std=dict.fromkeys(layers, rising),
        **every,
    )  # fmt: skip


def sick_report(text: str = "", site: Site | None = None) -> Report:
    """A cause with evidence and a symptom, a note, a silent and a blind check."""
    view = sick_view(text, site)
    view.trainings[0].groups = (Group(0, ("w",), {"lr": 0.1, f"{text}momentum": 0.9}, 16),)
    view.errors.append(f"{text}journal: 1 unreadable line passed over")
    where = Where(site=site, parameter=f"{text}first.weight", group=0)
    cause = Says(
        f"{text}no-clearing", leads_to=(Effect.NOT_LEARNING,), summary=f"{text}gradients add up",
        why=f"{text}steps grow", try_=(f"{text}clear them",), where=where, steps=(3, 29),
        evidence=(Evidence("grad_norm", 30.7, 10.0, f"{text}unit"),),
        tricks=(Remedy("zero-grad", text),),
    )  # fmt: skip
    said = {"summary": f"{text}the loss rises", "why": f"{text}nothing is learnt", "steps": (5, 59)}
    symptom = Says(
        f"{text}no-learning", is_effect=(Effect.NOT_LEARNING,), severity="warning", **said
    )
    note = Says("another", severity="note", **said)
    return make_report(view, [cause, symptom, note, Blind()])


def proved_trial(folder: Path, text: str = "") -> Trial:
    """A proved remedy and one without effect, with curves and a checked diff."""
    from assay.trials.metric import Measured

    def result(value: float) -> Result:
        curve = tuple((step, value * (1 + 1 / (1 + step))) for step in range(0, 60, 3))
        return Result("done", 60, 1.0, Measured({"training loss": value}, {"training loss": curve}))

    cure, other = (
        Candidate(f"{text}zero-grad", read_all(["zero-grad"])),
        candidate_of(read_all(["warmup=5"])),
    )
    control, treated = (2.0, 2.1, 2.2), (0.2, 0.21, 0.22)
    verdicts = [
        Verdict(cure, "proved", f"{text}all 3 seeds improve", "training loss", f"{text}caution",
                (0, 1, 2), control, treated, compare(control, treated),
                Reverse(gone=(f"{text}no-clearing",))),
        Verdict(other, "no effect", "below 2 %", "training loss", "", (0, 1, 2), control, control,
                compare(control, (2.0, 2.1, 2.2001))),
    ]  # fmt: skip
    change = Change(cure, "checked", f"{text}same losses", (), True, 60)
    return Trial(
        f"{text}trial", folder, (f"{text}train.py",),
        results={CONTROL.name: dict(enumerate(map(result, control))),
                 cure.name: dict(enumerate(map(result, treated))),
                 other.name: dict(enumerate(map(result, control)))},
        verdicts=verdicts, change=change, runs=9, seconds=12.0,
    )  # fmt: skip


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a sick run with a trial."""
    folder = tmp_path_factory.mktemp("page")
    source = folder / "train.py"
    source.write_text("\n".join(f"line_{i} = {i}" for i in range(1, 12)))
    report = sick_report(site=Site(str(source), 5, "main"))
    write_page(report, folder / "report.html", proved_trial(folder))
    return folder / "report.html"


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run in which every text is an attack."""
    folder = tmp_path_factory.mktemp("hostile")
    source = folder / "<img src=x onerror='window.hacked=3'>.py"
    source.write_text(f"before = 1\nattack = '''{HOSTILE}'''\nafter = 2\n")
    report = sick_report(HOSTILE, Site(str(source), 2, HOSTILE))
    trial = proved_trial(folder, HOSTILE)
    write_page(report, folder / "report.html", trial)
    return folder / "report.html"


@pytest.fixture(scope="session")
def long_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """An hour's run: 100,000 steps of 200 layers, read from its journal."""
    folder = tmp_path_factory.mktemp("long") / "run"
    write_long_run(folder, steps=100_000, layers=200, samples=500)
    return make_report(read_run(folder), CHECKS, folder=folder)
