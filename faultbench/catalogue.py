"""All cases: a faulty script, the mended one, often a right look-alike, and the answer.

Three sources: `faultbench/faults` (answers in `faultbench/answers`, those of the sealed half in
`sealed.json`), the scripts of assay's checks (the answer is their `# expect:` mark) and those of
`benchmarks/remedies` (the answers are `CAUSES` there).
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FAULTS, ANSWERS, SEALED = HERE / "faults", HERE / "answers", HERE / "sealed.json"
CHECKS, REMEDIES = ROOT / "tests" / "checks", ROOT / "benchmarks" / "remedies"
EXPECT = re.compile(r"# expect: ([a-z0-9-]+)( anywhere)?\s*$")
SYMPTOMS = frozenset(
    """
    loss-not-decreasing loss-not-finite weights-not-finite loss-oscillating loss-spike loss-relapsed
    output-collapsed exploding-gradient vanishing-gradient dead-units saturated-activation
    overfitting underfitting train-eval-gap updates-lost not-updated update-ratio slow-progress
    """.split()
)
"""What is seen rather than why: named for a fault with another cause, it counts as a symptom."""


@dataclass(frozen=True)
class Answer:
    """What is wrong with a case.

    Attributes:
        fault: The root cause.
        accepted: All names that count as it.
        symptoms: Names that count as "symptom only".
        lines: Guilty lines of the faulty script, any of which is right; empty where none can be said.
        also: A second fault's own answer.
        facts: Everything else that is known (`loop`, `model`, `loud`, `cure`, `source`, ...).
    """

    fault: str
    accepted: frozenset[str]
    symptoms: frozenset[str] = SYMPTOMS
    lines: tuple[int, ...] = ()
    also: tuple[Answer, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True)
class Case:
    """One fault's scripts.

    Attributes:
        name: Unique: `char_lstm`, `checks/dead_units`, `remedies/raw_pixels`.
        scripts: Path by variant: `sick`, `fixed` and, for most, `healthy`.
    """

    name: str
    scripts: dict[str, Path] = field(hash=False)

    @property
    def origin(self) -> str:
        """`faults`, `checks` or `remedies`."""
        return self.name.partition("/")[0] if "/" in self.name else "faults"

    @property
    def half(self) -> str:
        """`public` or `sealed`, drawn by the name alone."""
        return half(self.name)


def draw(name: str, purpose: str) -> int:
    """Returns a number from 0 to 255 that only the name decides: no result can move it."""
    return hashlib.sha256(f"faultbench 1 {purpose}: {name}".encode()).digest()[0]


def half(name: str) -> str:
    """Returns the half a name falls into: sealed if its digest begins with an odd byte."""
    return "sealed" if draw(name, "half") % 2 else "public"


def cases() -> list[Case]:
    """Returns every case, sorted by name."""
    found = []
    for prefix, base in (("", FAULTS), ("checks/", CHECKS), ("remedies/", REMEDIES)):
        for sick in sorted(base.glob("*/sick.py")):
            paths = {v: sick.with_name(f"{v}.py") for v in ("sick", "fixed", "healthy")}
            known = {variant: path for variant, path in paths.items() if path.exists()}
            found.append(Case(prefix + sick.parent.name, known))
    return sorted(found, key=lambda case: case.name)


def sample(of: Iterable[Case], size: int) -> list[Case]:
    """Returns a stratified sample: from each origin, in turn, the names with the smallest digests.

    Args:
        of: The cases to draw from.
        size: How many cases.
    """
    by_origin: dict[str, list[Case]] = {}
    for case in of:
        by_origin.setdefault(case.origin, []).append(case)
    for cases_ in by_origin.values():
        cases_.sort(key=lambda case: hashlib.sha256(f"sample {case.name}".encode()).hexdigest())
    queues = [by_origin[origin] for origin in sorted(by_origin)]
    taken: list[Case] = []
    while len(taken) < size and any(queues):
        for queue in queues:
            if queue and len(taken) < size:
                taken.append(queue.pop(0))
    return taken


def answer(case: Case) -> Answer:
    """Returns the answer of a case; opens the sealed file where the case is sealed.

    Raises:
        KeyError: Nothing is known of the case.
    """
    if case.origin == "checks":
        return _marked(case.scripts["sick"])
    if case.origin == "remedies":
        fault = _causes()[f"others/{case.name.partition('/')[2]}"]
        return Answer(fault, frozenset({fault}))
    return read_answer(answer_text(case.name))


def answer_text(name: str) -> str:
    """Returns the TOML of a case of `faults`, from the sealed file where it lies there.

    Raises:
        KeyError: It has no answer.
    """
    path = ANSWERS / f"{name}.toml"
    return path.read_text(encoding="utf-8") if path.exists() else _sealed()[name]


def sealed_names() -> list[str]:
    """Returns the names of the cases whose answers are sealed."""
    return sorted(_sealed())


def read_answer(text: str) -> Answer:
    """Reads an answer's TOML (README.md says what it holds)."""
    facts = tomllib.loads(text)
    also = tuple(_answer(other, {}) for other in facts.pop("also", []))
    return _answer(facts, facts, also)


def _answer(known: dict[str, Any], facts: dict[str, Any], also: tuple[Answer, ...] = ()) -> Answer:
    fault = known["fault"]
    return Answer(
        fault,
        frozenset({fault, *known.get("accepted", ())}),
        SYMPTOMS | frozenset(known.get("symptoms", ())),
        tuple(known.get("lines", ())),
        also,
        facts,
    )


def _marked(sick: Path) -> Answer:
    for number, line in enumerate(sick.read_text(encoding="utf-8").splitlines(), 1):
        if mark := EXPECT.search(line):
            return Answer(mark[1], frozenset({mark[1]}), lines=() if mark[2] else (number,))
    raise KeyError(f"no line of {sick} is marked '# expect: ...'")


@cache
def _causes() -> dict[str, str]:
    """The table in benchmarks/remedies.py, read without importing it."""
    tree = ast.parse((ROOT / "benchmarks" / "remedies.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CAUSES":
            return dict(ast.literal_eval(node.value))
    raise KeyError("benchmarks/remedies.py has no table CAUSES")


@cache
def _sealed() -> dict[str, str]:
    from .sealing import opened

    return dict(json.loads(opened())) if SEALED.exists() else {}
