"""Which tricks to try against what was found, with values taken from what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ..checks.finding import Finding, Remedy
from ..diagnosis import Diagnosis
from ..journal.view import RunView
from ..tricks.base import Suggestion, TrickError
from ..tricks.catalogue import TRICKS, by_name
from ..tricks.reading import read
from .metric import main_training
from .plan import Candidate, candidate_of, distinct, together

MOST = 8
"""So many candidates are tried; those of the likeliest causes come first."""


def remedies(view: RunView, diagnosis: Diagnosis) -> list[list[Candidate]]:
    """Candidates for causes, then for their symptoms, likeliest first; none for a healthy run.

    Where several causes have a remedy, the first ones of each together are a candidate as well:
    one fault can hide what curing the other does. What a note points to is tried only where
    nothing graver was found.
    """
    findings = [finding for finding in diagnosis.findings if not finding.preview]
    grave = [finding for finding in findings if finding.severity != "note"]
    firsts: dict[str, Candidate] = {}
    causes: list[Candidate] = []
    symptoms: list[Candidate] = []
    for finding in grave or findings:
        own = list(_candidates(view, finding))
        if finding.role == "symptom":
            symptoms += own
        elif own:
            causes += own
            firsts.setdefault(finding.check, own[0])
    joint: list[Candidate] = []
    if grave and len(firsts) > 1:
        try:
            joint = [together(distinct(firsts.values()), tuple(firsts))]
        except TrickError:  # two remedies that exclude each other
            joint = []
    first = distinct([*joint, *causes])[:MOST]
    then = [c for c in distinct(symptoms) if c.tricks not in {f.tricks for f in first}]
    return [tier for tier in (first, then[: MOST - len(first)]) if tier]


def exploration(view: RunView) -> list[list[Candidate]]:
    """Proposes what may help a run that has nothing wrong with it."""
    wanted = [Remedy(trick.name, value) for trick in TRICKS for value in trick.explore]
    found = [candidate for remedy in wanted for candidate in _read(view, remedy)]
    return [distinct(found)[:MOST]] if found else []


def _candidates(view: RunView, finding: Finding) -> Iterator[Candidate]:
    for remedy in finding.tricks:
        yield from _read(view, remedy, (finding.check,))


def _read(view: RunView, remedy: Remedy, checks: tuple[str, ...] = ()) -> Iterator[Candidate]:
    """Yields the trick with each value that its own file suggests for this run."""
    training = main_training(view)
    suggested = [Suggestion(remedy.value)]
    try:
        trick = by_name(remedy.name)
    except TrickError:  # a check of another version, or of the user's own
        return
    if training is not None:
        with suppress(ValueError):  # a check proposes what the trick can't read: refused below
            suggested = list(trick.suggest(training, remedy.value)) or suggested
    for value, why in suggested:
        try:
            text = f"{remedy.name}={value}" if value else remedy.name
            yield candidate_of([read(text)], checks, why)
        except TrickError:  # a value is needed, and nothing was measured that gives one
            continue
