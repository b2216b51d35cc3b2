"""Runs checks over a run and ranks what they find: causes first, their symptoms behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..checks.base import COULD_NOT_LOOK, Check
from ..checks.finding import SEVERITIES, TIERS, Finding, Severity
from ..journal.view import RunView
from .causes import could_be_behind, direct_causes, order
from .dated import dated

OWN_ERROR = "error in the check itself: "
"""Begins the reason of a check that was skipped since it raised."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What all checks say of a run.

    Attributes:
        findings: The likeliest root cause first; symptoms behind all causes.
        silent: Checks that looked and found nothing.
        skipped: Checks that could not look, each with the reason.
        partly: Checks that could judge some trainings: what the others lack, training by training.
        explained: Where in `findings` the direct causes of each symptom are, by its own place.
    """

    findings: tuple[Finding, ...]
    silent: tuple[str, ...]
    skipped: dict[str, str] = field(default_factory=dict)
    partly: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    explained: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def causes(self) -> tuple[Finding, ...]:
        """Findings that no other finding explains."""
        return tuple(f for f in self.findings if f.role == "cause")

    @property
    def judged(self) -> int:
        """How many checks judged the run, or a training of it."""
        return len({*self.silent, *(finding.check for finding in self.findings)})

    @property
    def blind(self) -> int:
        """How many checks could not look, or not at everything, since a probe failed."""
        return sum(map(blinded, self.skipped.values()))

    @property
    def failed(self) -> dict[str, str]:
        """The checks that raised, each with its error."""
        return {
            name: why.removeprefix(OWN_ERROR)
            for name, why in self.skipped.items()
            if why.startswith(OWN_ERROR)
        }

    def roots(self, place: int) -> tuple[int, ...]:
        """Returns the places of the causes that a finding goes back to, the likeliest first."""
        met, left, roots = {place}, [place], set()
        while left:
            causes = self.explained.get(here := left.pop(), ())
            roots |= set() if causes else {here}
            left += set(causes) - met
            met |= set(causes)
        return tuple(sorted(roots))

    def worst(self) -> Severity | None:
        """Returns the gravest severity among the findings."""
        return min((f.severity for f in self.findings), key=SEVERITIES.__getitem__, default=None)


def blinded(why: str) -> bool:
    """Whether a check was skipped since a probe failed."""
    return why.startswith(COULD_NOT_LOOK)


def diagnose(run: RunView, checks: Iterable[Check]) -> Diagnosis:
    """Reviews a run with each check; an error inside a check makes it "skipped", never a crash."""
    run.memo = {}
    try:
        return _diagnose(run, checks)
    finally:
        run.memo = None


def _diagnose(run: RunView, checks: Iterable[Check]) -> Diagnosis:
    found: list[Finding] = []
    silent: list[str] = []
    skipped: dict[str, str] = {}
    partly: dict[str, dict[str, str]] = {}
    known: dict[str, Check] = {}
    for check in checks:
        known[check.name] = check
        try:
            why = check.why_skipped(run)
            findings = [] if why is not None else list(check.review(run))
            lacking = {} if why is not None else check.not_judged(run)
            if why is None and not findings:
                why = check.why_blind(run)
        except Exception as error:
            skipped[check.name] = f"{OWN_ERROR}{type(error).__name__}: {error}"
            continue
        found += findings
        if lacking:
            partly[check.name] = lacking
        if why is not None:
            skipped[check.name] = why
        elif not findings:
            silent.append(check.name)
    findings, causes = _once_per_place(run, found, known)
    ranking = _ranking(run, findings, causes, known)
    place = {old: new for new, old in enumerate(ranking)}
    ranked, explained = [], {}
    for new, old in enumerate(ranking):
        finding, by = dated(run, findings[old]), sorted(place[c] for c in causes[old])
        if by:
            explained[new] = tuple(by)
            finding = finding.as_symptom(
                tuple(dict.fromkeys(findings[ranking[c]].check for c in by))
            )
        ranked.append(finding)
    return Diagnosis(tuple(ranked), tuple(silent), skipped, partly, explained)


def _once_per_place(
    run: RunView, found: Sequence[Finding], checks: Mapping[str, Check]
) -> tuple[list[Finding], list[set[int]]]:
    """Tells the same illness at the same place once, with the places of its direct causes.

    One fault at several lines is one finding with all its lines. Ranks of one run, or several
    trainings from one line, each have their own copy. The copy that is told is one that nothing
    explains, if there is one, and else the lowest: so edges between copies that are told rise as
    strictly as edges between all.
    """
    causes = direct_causes(run, found, checks)
    copies: dict[str, list[int]] = {}
    for place, finding in enumerate(found):
        copies.setdefault(finding.fingerprint, []).append(place)
    faults: dict[object, list[int]] = {}
    for group in copies.values():
        faults.setdefault(found[group[0]].fault, []).extend(group)
    told = [
        min(group, key=lambda p: (bool(causes[p]), order(found[p], checks[found[p].check])))
        for group in faults.values()
    ]
    group_of = {place: n for n, group in enumerate(faults.values()) for place in group}
    merged = [
        _of_all(found[p], [found[copy] for copy in group])
        for p, group in zip(told, faults.values(), strict=True)
    ]
    return merged, [{group_of[c] for c in causes[p]} for p in told]


def _of_all(told: Finding, copies: Sequence[Finding]) -> Finding:
    """Returns a finding with the processes and the lines of all copies of it."""
    sites = dict.fromkeys(f.where.site for f in copies if f.where.site is not None)
    return replace(
        told,
        processes=tuple(sorted({p for f in copies for p in (f.process, *f.processes)})),
        also=tuple(site for site in sites if site != told.where.site),
    )


def _ranking(
    run: RunView,
    findings: Sequence[Finding],
    causes: Sequence[set[int]],
    checks: Mapping[str, Check],
) -> list[int]:
    """Returns the places of all findings, causes first.

    A cause is as grave as the gravest of what it leads to; of equally grave ones a broken invariant
    comes before a measurement and that before a curve, what concerns all processes before what
    concerns some, then the one that explains more. A broken
    invariant is also as grave as any effect that was first seen when it was in place: whether it
    brought that on or not, it is to be mended first.
    """
    leads_to: list[set[int]] = [set() for _ in findings]

    def climb(place: int, root: int) -> None:
        for cause in causes[place]:
            if root not in leads_to[cause]:
                leads_to[cause].add(root)
                climb(cause, root)

    for place in range(len(findings)):
        climb(place, place)

    def behind(place: int) -> set[int]:
        finding, check = findings[place], checks[findings[place].check]
        exact = finding.tier == "exact" and finding.severity != "note" and not finding.preview
        if not exact or check.is_effect:
            return set()
        return {
            other
            for other, effect in enumerate(findings)
            if checks[effect.check].is_effect and could_be_behind(run, finding, check, effect)
        }

    everywhere = len({training.process for training in run.trainings if training.steps})

    def key(place: int) -> tuple[bool, int, int, int, bool, int, int]:
        finding = findings[place]
        felt = {place, *leads_to[place], *behind(place)}
        grave = min(SEVERITIES[findings[f].severity] for f in felt)
        certain, is_effect = TIERS[finding.tier], bool(checks[finding.check].is_effect)
        explains = -len(leads_to[place])
        some = len(finding.processes) < everywhere
        return bool(causes[place]), grave, certain, is_effect, some, explains, finding.steps[0]

    return sorted(range(len(findings)), key=key)
