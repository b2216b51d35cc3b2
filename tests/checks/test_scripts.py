"""Every script under every check: a sick one is named and located, a right one is left alone.

`tests/checks/<name>/` holds `sick.py` (one fault), `healthy.py` (a look-alike that is right) and
`fixed.py` (the smallest mend); `tests/healthy/` holds unusual but right practice. A sick script
marks its faulty line with `# expect: check-name`, or with `# expect: check-name anywhere` where no
single line is at fault.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from assay.checks.registry import CHECKS, by_name
from assay.diagnosis import Diagnosis
from assay.report.atomic import write_whole
from assay.testing import WarmRunner
from assay.testing.scripts import check_script

HERE = Path(__file__).resolve().parent
SICK = sorted(HERE.glob("*/sick.py"))
RIGHT = sorted([*HERE.glob("*/healthy.py"), *HERE.glob("*/fixed.py")])
ZOO = sorted((HERE.parent / "healthy").glob("*.py"))
ONE_A_FAMILY = [
    HERE / check.name.replace("-", "_") / "sick.py"
    for check in {c.family: c for c in reversed(CHECKS) if c.name != "runs-differ"}.values()
]
"""But `runs-differ`, which takes two real runs where one shows the same."""
SEEDS = (0, 1, 2)
BY_CHANCE = [
    HERE / name / "sick.py"
    for name in ("loss_not_decreasing", "learning_rate_too_high", "learning_rate_too_low")
]
"""Judged by a curve, which another seed draws otherwise."""
JUDGED_AT_LEAST = 20
PLAYERS = "asks only networks that are trained on what another one makes"
SEVERAL_RANKS = "compares ranks, and few scripts train on several"
RARE = {
    "replicas-diverged": (12, SEVERAL_RANKS),
    "initial-weights-differ": (12, SEVERAL_RANKS),
    "ranks-see-same-data": (12, SEVERAL_RANKS),
    "gradient-sum-not-mean": (12, SEVERAL_RANKS),
    "loss-averaged-twice": (12, SEVERAL_RANKS),
    "effective-batch-changed": (3, "asks only trainings that another number of ranks went on with"),
    "loss-rows-rearranged": (6, "asks only models that answer for several places of a sample"),
    "derivative-without-graph": (4, "asks only scripts that differentiate a model by its input"),
    "optimizer-before-shard": (4, "asks only optimizers of sharded weights"),
    "sampler-epoch-not-set": (3, "asks only loaders with a DistributedSampler"),
    "saved-by-every-rank": (4, SEVERAL_RANKS),
    "saved-in-the-middle": (4, SEVERAL_RANKS),
    "clipped-per-shard": (5, "asks only optimizers of sharded weights"),
    "no-sync-missing": (12, SEVERAL_RANKS),
    "unused-parameters": (12, SEVERAL_RANKS),
    "straggler": (12, SEVERAL_RANKS),
    "ranks-draw-same-random": (12, SEVERAL_RANKS),
    "batchnorm-not-synchronised": (2, SEVERAL_RANKS),
    "token-mean-per-rank": (3, SEVERAL_RANKS),
    "uneven-inputs": (5, "compares the loaders of ranks, and few scripts train on several"),
    "wrapper-bypassed": (12, SEVERAL_RANKS),
    "causal-leak": (4, "asks only models that are trained to predict the next token"),
    "attention-unscaled": (6, "asks only models with an attention by hand or by torch's modules"),
    "attention-over-wrong-dimension": (4, "asks only models with an attention by hand"),
    "attention-collapsed": (5, "asks only models with an attention, at two steps of a run"),
    "discriminator-not-stepped": (12, PLAYERS),
    "generator-without-gradient": (12, PLAYERS),
    "labels-swapped": (12, PLAYERS),
    "both-players-share-optimizer": (12, PLAYERS),
    "discriminator-keeps-graph": (12, PLAYERS),
    "output-range-mismatch": (12, PLAYERS),
    "gradient-penalty-wrong-norm": (12, PLAYERS),
    "critic-not-lipschitz": (12, PLAYERS),
    "real-and-fake-mixed-in-batchnorm": (12, PLAYERS),
    "mode-collapse": (12, PLAYERS),
    "discriminator-won": (12, PLAYERS),
    "runs-differ": (2, "asks for a second run, which only its own scripts are given"),
    "order-ignored": (3, "asks only models of sequences that have positions"),
    "padding-mask-ignored": (4, "asks only where sequences of unequal length are filled up"),
}
"""Checks of what few scripts do: how many must have been judged all the same, and why so few."""
SAMPLED = re.compile(r" in the [\d,]+ sampled of .*$")
NUMBER = re.compile(r"\d+")
EXPECT = re.compile(r"# expect: ([a-z0-9-]+)( anywhere)?\s*$")

pytestmark = pytest.mark.timeout(900)


def label(script: Path) -> str:
    return f"{script.parent.name}/{script.stem}"


def expected(script: Path) -> tuple[str, int | None]:
    """The check that a sick script is made for, and the line it must name (None: any)."""
    marks = [
        (number, mark)
        for number, line in enumerate(script.read_text(encoding="utf-8").splitlines(), 1)
        if (mark := EXPECT.search(line))
    ]
    assert len(marks) == 1, f"{label(script)} has {len(marks)} lines marked '# expect: ...'"
    number, mark = marks[0]
    return mark[1], None if mark[2] else number


def told(diagnosis: Diagnosis) -> str:
    return "\n".join(
        f"  {f.severity} {f.check} ({f.role}) at {f.where or 'no place'}: {f.summary}"
        for f in diagnosis.findings
    )


def broken(diagnosis: Diagnosis) -> dict[str, str]:
    return {name: why for name, why in diagnosis.skipped.items() if why.startswith("error in")}


@pytest.mark.parametrize(
    ("script", "seed"),
    [(script, seed) for script in SICK for seed in (SEEDS if script in BY_CHANCE else (0,))],
    ids=lambda value: label(value) if isinstance(value, Path) else f"seed{value}",
)
def test_sick(script: Path, seed: int, warm: WarmRunner) -> None:
    name, line = expected(script)
    assert name == script.parent.name.replace("_", "-")
    check = by_name(name)
    assert check is not None, f"{name} is not registered"
    settings = {"seed_offset": seed} if seed else None
    _, diagnosis = check_script(script, settings=settings, observe=warm.observe)
    assert not broken(diagnosis)
    assert diagnosis.findings, f"silent; skipped: {diagnosis.skipped}"
    first = diagnosis.findings[0]
    assert first.check == name, f"another finding came first:\n{told(diagnosis)}"
    assert first.severity != "note" or check.severity == "note"
    if line is not None:
        site = first.where.site
        assert site is not None, f"names no line, the fault is in line {line}"
        assert (Path(site.file), site.line) == (script, line), f"named {site}, not line {line}"


@pytest.fixture(scope="session")
def tally(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all workers: for each right script that was run, the checks that judged it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "judged"
    folder.mkdir(exist_ok=True)
    return folder


def review(script: Path, warm: WarmRunner, tally: Path) -> Diagnosis:
    """What all checks say of a right script."""
    _, diagnosis = check_script(script, observe=warm.observe)
    names = [check.name for check in CHECKS if check.name not in diagnosis.skipped]
    write_whole(tally / label(script).replace("/", "."), "\n".join(names).encode())
    return diagnosis


@pytest.mark.parametrize("script", [*RIGHT, *ZOO], ids=label)
def test_right(script: Path, warm: WarmRunner, tally: Path) -> None:
    diagnosis = review(script, warm, tally)
    assert not broken(diagnosis)
    alarms = [f for f in diagnosis.findings if f.severity != "note"]
    assert not alarms, f"false alarms:\n{told(diagnosis)}"
    if script in RIGHT:  # silence counts only where the check has looked
        check = by_name(script.parent.name.replace("_", "-"))
        assert check is not None
        assert check.name not in diagnosis.skipped, diagnosis.skipped[check.name]
        assert check.name in diagnosis.silent or check.severity != "note", told(diagnosis)


def judged(diagnosis: Diagnosis) -> list[object]:
    """What does not depend on when a sample was taken."""
    found = [(f.check, f.severity, f.role, f.where.site) for f in diagnosis.findings]
    # how many steps were sampled depends on how busy the machine is
    reasons = {
        name: NUMBER.sub("", SAMPLED.sub("", why)) for name, why in diagnosis.skipped.items()
    }
    return [found, sorted(diagnosis.silent), reasons]


@pytest.mark.parametrize("script", ONE_A_FAMILY, ids=label)
def test_the_launcher_says_the_same(script: Path, warm: WarmRunner) -> None:
    """What is run in a fork of a warm process is judged like what `assay check` starts."""
    _, diagnosis = check_script(script)
    assert diagnosis.findings[0].check == expected(script)[0]
    assert judged(diagnosis) == judged(check_script(script, observe=warm.observe)[1])


def test_the_scripts_are_there() -> None:
    """Globs that match nothing would make this file pass in silence."""
    assert len(SICK) == len(CHECKS)
    assert len(RIGHT) == 2 * len(CHECKS)
    assert len(ZOO) >= 16
    assert set(BY_CHANCE) <= set(SICK)


def test_marks_are_read(tmp_path: Path) -> None:
    script = tmp_path / "sick.py"
    script.write_text("x = 1\ny = 2  # expect: loss-detached\n")
    assert expected(script) == ("loss-detached", 2)
    script.write_text("x = 1  # expect: loss-detached anywhere\n")
    assert expected(script) == ("loss-detached", None)
    for text in ("x = 1\n", "x = 1  # expect: a\nx = 2  # expect: b\n"):
        script.write_text(text)
        with pytest.raises(AssertionError, match="lines marked"):
            expected(script)


def test_each_check_has_judged_many_right_scripts(warm: WarmRunner, tally: Path) -> None:
    """A check that is skipped raises no false alarm; `benchmarks/false_alarms.md` has the table.

    It stands last in this file: by now most scripts have been run, by this worker or another.
    """
    counts = dict.fromkeys((check.name for check in CHECKS), 0)
    for script in [*RIGHT, *ZOO]:
        written = tally / label(script).replace("/", ".")
        if not written.exists():
            review(script, warm, tally)
        for name in written.read_text().split():
            counts[name] += 1
    least = {name: RARE[name][0] if name in RARE else JUDGED_AT_LEAST for name in counts}
    few = {name: count for name, count in counts.items() if count < least[name]}
    assert few == {}
