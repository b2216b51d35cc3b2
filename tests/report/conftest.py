"""Invented reports, each a case of what a person may meet."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.checks.base import Check
from assay.checks.effects import Effect
from assay.checks.finding import Evidence, Finding, Remedy, Where
from assay.journal.view import RunView, Site
from assay.report import Report, make_report
from assay.testing import make_run, make_training

HERE = Path(__file__).parent
SAMPLE = str(HERE / "sample_train.py")
STEPPED = Site(SAMPLE, 8, "build")
FACTS: dict[str, Any] = {
    "id": "20260401-101500-train",
    "command": ["python", "train.py", "--lr", "0.1"],
    "exit_code": 0,
    "signal": None,
    "seconds": 12.34,
    "torch": "2.13.0",
    "device": "cpu",
    "asked": {"times": 6, "own_s": 0.02, "copies": 64 * 2**20},
    "cost": {"samples": 40, "own_s": 0.05, "opening_s": 0.01, "iterations": 300, "last": 293},
    "stepping_s": 10.0,
    "reached": ["python", "torch"],
    "processes": [{"pid": 1}],
}


class Silent(Check):
    """A check that looked and found nothing."""

    family, severity, tier, reads = "gradient", "error", "exact", ()

    def __init__(self, name: str = "all-well") -> None:
        self.name = name  # type: ignore[misc]

    def review(self, run: RunView) -> Iterator[Finding]:
        return iter(())


class Blind(Silent):
    """A check that could not look."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name)
        self._why = why

    def why_skipped(self, run: RunView) -> str | None:
        return self._why


class Says(Silent):
    """A check that says what it is told to say."""

    def __init__(
        self,
        name: str,
        *,
        is_effect: tuple[Effect, ...] = (),
        leads_to: tuple[Effect, ...] = (),
        **said: Any,
    ) -> None:
        super().__init__(name)
        self.is_effect, self.leads_to = is_effect, leads_to  # type: ignore[misc]
        self._said = said

    def review(self, run: RunView) -> Iterator[Finding]:
        said = {
            "severity": "error",
            "tier": "exact",
            "summary": "gradients were never cleared (norm 93.4 at step 299)",
            "why": "each step adds all earlier gradients to its own",
            "try_": ("call optimizer.zero_grad() before loss.backward(), once per step",),
            "where": Where(site=STEPPED),
            "steps": (1, 299),
            "evidence": (Evidence("stale_grad_norm", 93.4, 0.0, "1"),),
            **self._said,
        }
        yield Finding(check=self.name, family="gradient", **said)


def run(steps: int = 300, **facts: Any) -> RunView:
    training = make_training(
        steps=steps,
        site=STEPPED,
        stale_grad_norm={step: 0.1 * step * step for step in range(30)},
        loss=[2.3 + 0.02 * step for step in range(30)],
        weight_norm={"層.weight": [1.0, float("nan"), float("inf"), 3.0]},
    )
    return make_run(training, facts={**FACTS, **facts})


def unseen(reached: list[str], **facts: Any) -> RunView:
    given = {**FACTS, "reached": reached, **facts}
    for name in ("cost", "stepping_s", "processes"):
        given.pop(name)
    if "torch" not in reached:
        given.update(torch=None, device=None)
    return RunView(facts=given)


def skeleton(view: RunView, *checks: Check, **options: Any) -> Report:
    return make_report(view, checks, folder=Path("runs/20260401-101500-train"), **options)


def cause_with_symptoms() -> Report:
    flat = {"severity": "warning", "tier": "heuristic"}
    return skeleton(
        run(),
        Says("zero-grad-missing", leads_to=(Effect.EXPLODING, Effect.NOT_LEARNING)),
        Says("loss-not-decreasing", is_effect=(Effect.NOT_LEARNING,),
             summary="the loss went from 2.3 to 2.9 in 300 steps", **flat),
        Says("exploding-gradient", is_effect=(Effect.EXPLODING,), leads_to=(Effect.DEAD,),
             summary="the gradient norm grew 400-fold " * 5, **flat),
        Says("dead-units", is_effect=(Effect.DEAD,),
             summary="61 % of the units of layer 3 never fire", **flat),
        Silent(), Blind("saturated-activation", "the model is compiled"),
    )  # fmt: skip


def warning() -> Report:
    evidence = (
        Evidence("loss", 2.88, 2.31, "nats"),
        Evidence("learning_rate", 10.0, None, ""),
    )
    finding = Says(
        "learning-rate-too-high", severity="warning", tier="probe", evidence=evidence,
        summary="a step undid 83 % of what its gradient promised", tricks=(Remedy("lr", "0.01"),),
        try_=("lower the rate to 0.03", "or warm it up over the first 200 steps"),
        where=Where(group=0),
    )  # fmt: skip
    return skeleton(run(), finding, Silent())


def note() -> Report:
    return skeleton(run(), Says("seed-not-set", severity="note", tier="exact"), Silent())


def many_causes() -> Report:
    kinds = ("error", "error", "warning", "warning", "note")
    tiers = ("exact", "probe", "probe", "heuristic", "heuristic")
    checks = [
        Says(f"illness-{number}", severity=kind, tier=tier, where=Where())
        for number, (kind, tier) in enumerate(zip(kinds, tiers, strict=True))
    ]
    return skeleton(run(), *checks)


def strange_text() -> Report:
    name = "encoder.層.[bold]x[/]." + "block." * 20 + "weight"
    evidence = (Evidence("weight_norm", float("nan"), float("inf"), "[link]", place="層.weight"),)
    finding = Says(
        "input-not-finite",
        summary="[red]x[/] is :smile: and \x1b[31mred\x1b[0m, b'\\x00' ☃",
        why="[/red] closes nothing; 梯度 is not finite",
        try_=("write `x[0]`, not [x][0]",),
        where=Where(site=Site(SAMPLE, 12, "<module>"), parameter=name),
        evidence=evidence,
    )
    return skeleton(run(), finding)


def no_such_line() -> Report:
    gone = Where(site=Site("/nowhere/train.py", 7, "main"), module="layers.3")
    return skeleton(run(), Says("dead-units", where=gone, evidence=(Evidence("x", 1.0),)))


def healthy() -> Report:
    blind = [Blind(name, "the model is compiled") for name in ("dead-units", "saturated", "frozen")]
    checks = [Silent(f"well-{number}") for number in range(12)]
    return skeleton(run(), *checks, *blind, Blind("other", "loss not measured"))


CASES: dict[str, Callable[[], Report]] = {
    "cause-with-symptoms": cause_with_symptoms,
    "warning": warning,
    "note": note,
    "many-causes": many_causes,
    "strange-text": strange_text,
    "no-such-line": no_such_line,
    "healthy": healthy,
    "healthy-two-processes": lambda: skeleton(run(world=2), Silent()),
    "too-short": lambda: skeleton(
        run(2, stopped="stopped after step 2, as asked by --steps"), Silent()
    ),
    "nothing-could-look": lambda: skeleton(run(), Blind("dead-units", "the model is compiled")),
    "ignored": lambda: skeleton(
        run(), Silent("a"), Silent("b"), Silent("c"), only=["a", "b"], ignore=["b"]
    ),
    "failed": lambda: skeleton(run(57, exit_code=1), Silent(), Says("loss-not-finite")),
    "killed": lambda: skeleton(run(57, exit_code=None, signal=9), Silent()),
    "overran": lambda: skeleton(run(exit_code=None, signal=15, overran=True), Silent()),
    "no-end": lambda: skeleton(
        make_run(loss=[1.0] * 30, facts={"id": "x", "processes": [{}]}), Silent()
    ),
    "torn-record": lambda: skeleton(torn(), Silent()),
    "unseen-no-python": lambda: skeleton(unseen([]), Silent()),
    "unseen-no-start": lambda: skeleton(unseen([], exit_code=1), Silent()),
    "unseen-no-torch": lambda: skeleton(unseen(["python"]), Silent()),
    "unseen-failed-import": lambda: skeleton(unseen(["python"], exit_code=1), Silent()),
    "unseen-no-step": lambda: skeleton(unseen(["python", "torch"]), Silent()),
    "unseen-killed": lambda: skeleton(
        unseen(["python", "torch"], exit_code=None, signal=11), Silent()
    ),
    "unseen-backward-only": lambda: skeleton(RunView(facts=dict(FACTS)), Silent()),
    "unseen-first-step-failed": lambda: skeleton(
        RunView(facts={**FACTS, "exit_code": 1}), Says("input-not-finite"), Silent()
    ),
    "unseen-notebook": lambda: skeleton(unseen([], in_process=True), Silent()),
    "recording-lost": lambda: skeleton(lost(run()), Silent()),
    "unseen-recording-lost": lambda: skeleton(lost(RunView(facts=dict(FACTS))), Silent()),
    "unseen-bad-record": lambda: skeleton(
        RunView(errors=["run.json can't be read: Expecting value"]), Silent()
    ),
}


def torn() -> RunView:
    view = run()
    view.errors += [f"journal-{pid}.jsonl: 1 unreadable line passed over" for pid in range(5)]
    return view


def lost(view: RunView) -> RunView:
    view.errors.append("recording stopped: ENOSPC: No space left on device")
    return view


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES)


@pytest.fixture
def report(case: str, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.chdir(HERE)
    return CASES[case]()


@pytest.fixture
def make_case(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Report]:
    monkeypatch.chdir(HERE)
    return lambda name: CASES[name]()


@pytest.fixture(scope="session")
def invented() -> SimpleNamespace:
    """What cases of a test's own are made of."""
    return SimpleNamespace(
        FACTS=FACTS, SAMPLE=SAMPLE, Says=Says, Silent=Silent, skeleton=skeleton
    )  # fmt: skip
