"""Which tricks to try against what was found, with values taken from what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from ..checks.finding import TIERS, Finding, Remedy
from ..diagnosis import Diagnosis
from ..journal.view import RunView
from ..tricks.base import Suggestion, Trick, TrickError
from ..tricks.catalogue import TRICKS, by_name
from ..tricks.reading import read
from .metric import main_training
from .plan import Candidate, candidate_of, distinct, together
from .verdict import Verdict

MOST = 8
"""So many candidates are tried alone; those of the likeliest causes come first."""
MOST_JOINT = 3
"""So many combinations of them, where none of them alone is a cure."""


def remedies(view: RunView, diagnosis: Diagnosis) -> list[list[Candidate]]:
    """Candidates in the order in which they are tried; none for a healthy run.

    Each cause's own remedies come first, and alone: those of exact findings, then of measured ones,
    then of curves. What is surest is also what hides the others. Then causes are cured together,
    since one fault can hide what curing the other does; and then symptoms, for where no cause has a
    remedy, or none that helps. What a note points to is tried only where nothing graver was found.
    """
    findings = [finding for finding in diagnosis.findings if not finding.preview]
    grave = [finding for finding in findings if finding.severity != "note"]
    own = [(f, list(_candidates(view, f))) for f in grave or findings]
    causes = [(f, found) for f, found in own if f.role == "cause" and found]
    causes.sort(key=lambda one: TIERS[one[0].tier])
    tiers = [
        [c for finding, found in causes if finding.tier == tier for c in found] for tier in TIERS
    ]
    tiers.append(list(_joint(causes)) if grave else [])
    tiers.append([c for finding, found in own if finding.role == "symptom" for c in found])
    return _bounded(tiers)


def _bounded(tiers: list[list[Candidate]]) -> list[list[Candidate]]:
    """Keeps each set of tricks once, and no more than are to be tried."""
    met: set[tuple[Trick, ...]] = set()
    left, kept = MOST, []
    for tier in tiers:
        joint = bool(tier) and len(tier[0].checks) > 1
        new = [c for c in distinct(tier) if c.tricks not in met][: MOST_JOINT if joint else left]
        left -= 0 if joint else len(new)
        met.update(candidate.tricks for candidate in new)
        kept += [new] if new else []
    return kept


def _joint(causes: Sequence[tuple[Finding, list[Candidate]]]) -> Iterator[Candidate]:
    """Yields the first remedies of all causes together, then the surest one's with each other's."""
    firsts = {finding.check: found[0] for finding, found in reversed(causes)}
    firsts = dict(reversed(firsts.items()))
    if len(firsts) < 2:
        return
    surest, *others = firsts
    pairs = [
        (surest, finding.check, firsts[surest], candidate)
        for finding, found in causes
        if finding.check in others
        for candidate in found
    ]
    with suppress(TrickError):  # two remedies that exclude each other
        yield together(distinct(firsts.values()), tuple(firsts))
    for one, other, *both in pairs:
        with suppress(TrickError):
            yield together(both, (one, other))


def mending(verdicts: Iterable[Verdict]) -> Candidate | None:
    """Joins the first remedies that mend broken invariants and are no cure; None without any.

    Args:
        verdicts: On remedies that were tried alone.
    """
    firsts: dict[tuple[str, ...], Candidate] = {}
    for verdict in verdicts:
        if verdict.mends and verdict.barred:
            firsts.setdefault(verdict.candidate.checks, verdict.candidate)
    with suppress(TrickError):  # two that exclude each other
        if len(firsts) == 1:
            return next(iter(firsts.values()))
        if firsts:
            return together(firsts.values(), tuple(check for checks in firsts for check in checks))
    return None


def on_top(
    cure: Candidate, view: RunView, diagnosis: Diagnosis, most: int = MOST_JOINT
) -> list[Candidate]:
    """Proposes a cure together with the remedies of what is found with it.

    Args:
        cure: Candidate that the run was made with.
        view: Record of that run.
        diagnosis: What is found in it.
        most: How many.
    """
    joint = []
    for candidate in (c for tier in remedies(view, diagnosis) for c in tier):
        with suppress(TrickError):
            joint.append(together((cure, candidate), (*cure.checks, *candidate.checks)))
    return [c for c in distinct(joint) if c.tricks != cure.tricks][:most]


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
