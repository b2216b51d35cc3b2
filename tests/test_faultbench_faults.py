"""Every fault of faultbench: the symptom is real, and the mend takes it away.

Each script is run alone, without assay: what is verified is the set, not a tool.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.testing import WarmRunner

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from faultbench.catalogue import answer_text, sealed_names  # noqa: E402

FAULTS = sorted((ROOT / "faultbench" / "faults").glob("*/sick.py"))
ANSWERS = ROOT / "faultbench" / "answers"
ONSETS = ("start", "late", "second phase")
AT_LEAST = 40
GIVEAWAYS = re.compile(r"\b(bug|fault|faulty|fixme|todo|sick|broken)\b")

pytestmark = pytest.mark.timeout(900)


def answer(name: str) -> dict[str, Any]:
    return tomllib.loads(answer_text(name))


def score(script: Path, warm: WarmRunner, folder: Path) -> float:
    """What a script prints last; nan where it dies."""
    offline = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "ACCELERATE_USE_CPU")
    env = {**os.environ, "OMP_NUM_THREADS": "1", **dict.fromkeys(offline, "1")}
    with (folder / f"{script.stem}.txt").open("w+", encoding="utf-8") as output:
        process = warm.spawn(
            [sys.executable, str(script)],
            env=env,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        code = process.wait(warm.limit)
        output.seek(0)
        last = (output.read().splitlines() or [""])[-1]
    if code:
        return math.nan
    word, _, number = last.partition(" ")
    assert word == "score:", f"{script} ends with {last!r}, not with its score"
    return float(number)


@pytest.mark.parametrize("sick", FAULTS, ids=lambda path: path.parent.name)
def test_symptom_and_mend(sick: Path, warm: WarmRunner, tmp_path: Path) -> None:
    for package in ("lightning", "transformers", "accelerate"):
        if f"{package}" in sick.read_text(encoding="utf-8"):
            pytest.importorskip(package)
    told = answer(sick.parent.name)
    ill, well = (score(sick.with_name(f"{kind}.py"), warm, tmp_path) for kind in ("sick", "fixed"))
    assert well >= told["fixed_at_least"], f"the mended script scores {well}"
    assert math.isnan(ill) or ill <= told["sick_at_most"], f"the sick script scores {ill}"
    assert not math.isnan(told["sick_at_most"]) or math.isnan(ill), f"it did not die: {ill}"


def test_answers() -> None:
    """One answer a fault, of the agreed form, whose lines are lines of the script."""
    assert len(FAULTS) >= AT_LEAST
    told_of = [*(path.stem for path in ANSWERS.glob("*.toml")), *sealed_names()]
    assert sorted(told_of) == [path.parent.name for path in FAULTS]
    for sick in FAULTS:
        told, lines = answer(sick.parent.name), sick.read_text(encoding="utf-8").splitlines()
        assert told["source"].startswith("https://")
        assert told["onset"] in ONSETS
        assert told["root_cause"].endswith(".")
        for fault in [told, *told["also"]]:
            assert fault["fault"] in fault["accepted"]
            assert not set(fault["accepted"]) & set(told["symptoms"])
            assert all(lines[number - 1].strip() for number in fault["lines"])


def test_scripts_give_nothing_away() -> None:
    """Neither a sick script nor its folder names its fault; its mend changes a few lines only."""
    for sick in FAULTS:
        text = sick.read_text(encoding="utf-8").lower()
        told = answer(sick.parent.name)
        for fault in [told, *told["also"]]:
            for name in fault["accepted"]:
                assert name not in text
        assert not GIVEAWAYS.search(text)
        mended = sick.with_name("fixed.py").read_text(encoding="utf-8").lower()
        pairs = difflib.ndiff(text.splitlines(), mended.splitlines())
        changed = [line for line in pairs if line[0] in "+-"]
        assert 0 < len(changed) <= 12, f"{sick}: {len(changed)} lines differ"
