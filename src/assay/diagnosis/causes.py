"""Which finding is a cause of which: by effect, level, scope and time.

`a` is a direct cause of `b` if all of these hold:

- effect: `b` is one of the effects that `a` leads to;
- level: `a` sits lower in training than `b` (data, model, loss, gradient, a state before the first
  update, optimizer, outcome), or both are effects of one level and `a`'s comes first in `Effect`.
  Both orders are strict, so no circle can arise and the lowest finding is always a cause;
- scope: both are of one training, or one is of a whole process (its data, its loss functions);
- time: `a` can have begun before `b` was seen. Most steps are not sampled, so each finding says
  between which steps it began; a fault of the optimizer shows at the next step at the earliest.

A note is no cause: it says of itself that it did no harm in this run. Nor is a finding in preview,
which `assay fix` does not act on: it must not take the place of one that it does act on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..checks.base import Check
from ..checks.effects import STATES, Level
from ..checks.finding import Finding
from ..journal.view import RunView

Order = tuple[Level, int]
"""Level, then the rank of its effect (-1 for what is no effect)."""


def direct_causes(
    run: RunView, findings: Sequence[Finding], checks: Mapping[str, Check]
) -> list[list[int]]:
    """Returns the places of each finding's direct causes, lowest first.

    Args:
        run: The run that was reviewed: it knows which trainings belong together.
        findings: What was found, in any order.
        checks: The checks by name.
    """
    orders = [order(finding, checks[finding.check]) for finding in findings]
    scopes = [_scope(run, finding) for finding in findings]

    def leads(a: int, b: int) -> bool:
        cause, effect = findings[a], findings[b]
        return (
            cause.severity != "note"
            and not cause.preview
            and _brings_on(checks[cause.check], checks[effect.check])
            and orders[a] < orders[b]
            and _overlap(scopes[a], scopes[b])
            and _before(cause, orders[a][0], effect)
        )

    places = range(len(findings))
    return [sorted((a for a in places if leads(a, b)), key=orders.__getitem__) for b in places]


def could_be_behind(run: RunView, cause: Finding, check: Check, effect: Finding) -> bool:
    """Returns whether a finding was in place, in the same training, before another was seen."""
    overlap = _overlap(_scope(run, cause), _scope(run, effect))
    return overlap and _before(cause, order(cause, check)[0], effect)


def can_lead(cause: Check, effect: Check) -> bool:
    """Returns whether a finding of one check can ever be a direct cause of one of another."""
    return _brings_on(cause, effect) and _at_start(cause) < effect.order


def order(finding: Finding, check: Check) -> Order:
    """Returns where a finding stands in the order of causation."""
    return _at_start(check) if finding.onset[1] <= 0 else check.order


def _brings_on(cause: Check, effect: Check) -> bool:
    return cause.name != effect.name and not set(effect.is_effect).isdisjoint(cause.leads_to)


def _at_start(check: Check) -> Order:
    """Returns the order of what was seen at the first step, before any update."""
    level, rank = check.order
    state = not STATES.isdisjoint(check.is_effect)
    return (min(level, Level.INITIAL) if state else level), rank


def _scope(run: RunView, finding: Finding) -> tuple[int, int | None]:
    """Returns the job and the training of a finding (None: all of the job's).

    Ranks of a distributed run are one job: their gradients are averaged. In each of them the n-th
    optimizer drives the same training.
    """
    together = int(run.facts.get("world") or 1) > 1
    job = 0 if together else finding.process
    if finding.training is None:
        return job, None
    own = [t.index for t in run.trainings if t.process == finding.process]
    return job, own.index(finding.training) if finding.training in own else finding.training


def _overlap(a: tuple[int, int | None], b: tuple[int, int | None]) -> bool:
    return a[0] == b[0] and (a[1] is None or b[1] is None or a[1] == b[1])


def _before(cause: Finding, level: Level, effect: Finding) -> bool:
    """Returns whether a cause can have begun before its effect was seen."""
    first = cause.onset[0] + (level == Level.OPTIMIZER)
    return first <= effect.onset[1]
