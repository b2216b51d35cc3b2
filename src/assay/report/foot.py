"""The last lines of a report: what was seen, what looking cost, what could not look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..diagnosis import blinded
from .ending import counted, recording_lost
from .model import Report
from .source import short_path

_REASONS = 3
_TOGETHER = 3
"""So many checks that one reason keeps from judging are named; what only one or two of them look
for is mostly not in the script at all."""


def foot_lines(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Yields lines, each a style and the pieces to join."""
    yield "dim", _run(report)
    if looked := _looked(report):
        yield "dim", looked
    problems = [error for error in report.view.errors if error != recording_lost(report.view)]
    for problem in problems[:_REASONS]:
        yield "yellow", [f"! in the record: {' '.join(problem.split())}"]
    if len(problems) > _REASONS:
        yield "yellow", [f"! in the record: {len(problems) - _REASONS} more, --json lists them"]
    if report.folder is not None:
        yield "dim", [f"record: {short_path(str(report.folder))}"]
    if report.page is not None:
        yield "dim", [f"page: {short_path(str(report.page))}"]


def _run(report: Report) -> list[str]:
    facts = report.view.facts
    seconds = facts.get("seconds")
    steps = counted(report.view.steps, "step")
    seen = str(facts.get("stopped") or steps)
    comma = "," if "stopped" in facts else ""
    pieces = [f"{seen}{comma} in {duration(seconds)}" if seconds is not None else seen]
    cost = facts.get("cost")
    if report.world_size > 1:
        pieces.append(processes(report))
    elif report.separate:
        pieces.append(f"{len(report.separate)} processes, each trained by itself")
    if facts.get("exit_code") is not None:
        pieces.append(f"exit status {facts['exit_code']}")
    overhead = report.overhead_pct
    if overhead is not None and cost:
        if cost.get("opening_s", 0.0) > 0.5 * cost["own_s"] and overhead >= 1:
            # a per cent of a few short steps would say nothing about a real run
            pieces.append(f"observing took {duration(cost['own_s'])}")
        else:
            pieces.append(f"observing cost {_percent(overhead)}")
    return pieces


def sampled(report: Report) -> str:
    """Returns `48 of 4,697 sampled, to step 4,690`: most checks know these steps only.

    Where samples were thinned out, since each takes long, it says so.
    """
    facts = report.view.facts
    cost = facts.get("cost")
    if not cost:
        return ""
    taken, iterations = cost["samples"], cost["iterations"]
    if taken >= iterations:
        return "every step sampled" if iterations == report.view.steps else "every one sampled"
    # of several optimizers or processes a sample is one round of all
    is_steps = iterations == report.view.steps
    of, unit = (
        (f"{iterations:,}", "step") if is_steps else (counted(iterations, "iteration"), "iteration")
    )
    last = f", to {unit} {cost['last']:,}" if "last" in cost else ""
    gap = max((gap for _, gap in facts.get("thinned", ())), default=1)
    thinned = f" (a sample is dear here: at times one in {gap:,})" if gap > 1 else ""
    return f"{taken:,} of {of} sampled{last}{thinned}"


def asked(report: Report) -> str:
    """Returns how often the model was asked again, how long it took, and what was held for it.

    Empty where it never was.
    """
    facts = report.view.facts.get("asked")
    if not facts:
        return ""
    return (
        f"{counted(facts['times'], 'time')} in {duration(facts['own_s'])}, with copies of at most "
        f"{facts['copies'] >> 20} MiB, none of them past its step"
    )


def _percent(value: float) -> str:
    return f"{value:.1f} %" if value >= 0.1 else "under 0.1 %"


def _looked(report: Report) -> list[str]:
    pieces = []
    silent, skipped = report.diagnosis.silent, report.diagnosis.skipped
    which = sampled(report) if report.observed else ""
    if report.observed and report.diagnosis.judged:
        found = f", {len(silent)} silent" if report.findings else ""
        judged = f"{counted(report.diagnosis.judged, 'check')} judged{found}"
        pieces.append(f"{judged}: {which}" if which else judged)
    elif which:
        pieces.append(which)
    if skipped and report.observed:
        by_reason: dict[str, list[str]] = {}
        for name, why in skipped.items():
            by_reason.setdefault(" ".join(why.split()), []).append(name)
        groups = sorted(by_reason.items(), key=lambda item: (not blinded(item[0]), -len(item[1])))
        few = len(groups) <= _REASONS
        told = [(why, names) for why, names in groups[:_REASONS]
                if few or blinded(why) or len(names) >= _TOGETHER]  # fmt: skip
        parts = [f"{_names(names)} ({why})" for why, names in told]
        rest = len(skipped) - sum(len(names) for _, names in told)
        if rest:
            parts.append(f"{rest} more, --verbose lists them" if told else "--verbose says why")
        pieces.append(f"{len(skipped)} could not: {'; '.join(parts)}")
    if report.diagnosis.partly:
        pieces.append(f"{len(report.diagnosis.partly)} not in every training")
    if report.ignored:
        pieces.append(f"{len(report.ignored)} not asked for")
    return pieces


def each_check(report: Report) -> list[tuple[str, str]]:
    """Returns each check once, with what it did: found something, stayed silent, could not judge.

    And, of several trainings, which it could not judge.
    """
    diagnosis = report.diagnosis
    counts = Counter(finding.check for finding in report.findings)
    said = {name: f"judged: {counted(count, 'finding')}" for name, count in counts.items()}
    said |= dict.fromkeys(diagnosis.silent, "judged, and found nothing")
    for name, why in diagnosis.skipped.items():
        said[name] = why if blinded(why) else f"could not judge: {why}"
    said |= report.ignored
    for name, trainings in diagnosis.partly.items():
        lacks = "; ".join(f"not {training}: {why}" for training, why in trainings.items())
        said[name] = f"{said[name]}; {lacks}" if name in said else lacks
    return [(name, " ".join(text.split())) for name, text in said.items()]


def _names(names: list[str]) -> str:
    return (
        ", ".join(names) if len(names) <= 2 else f"{names[0]}, {names[1]} and {len(names) - 2} more"
    )


def duration(seconds: float) -> str:
    """Returns `0.42 s`, `12.3 s`, `4 min 10 s`, `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def processes(report: Report) -> str:
    """Returns `16 processes on 2 machines`, and of how many there is a record if not of all."""
    known = report.view.facts.get("processes") or ()
    machines = {one["node"] for one in known if one.get("node")}
    recorded = {one["rank"] for one in known if one.get("rank") is not None}
    return (
        f"{report.world_size} processes"
        + (f" on {len(machines)} machines" if len(machines) > 1 else "")
        + (f" ({len(recorded)} recorded)" if 0 < len(recorded) < report.world_size else "")
    )
