"""The report in a terminal: causes first, each with its line and its evidence, symptoms beneath."""

from __future__ import annotations

from functools import partial
from typing import TextIO

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..checks.finding import Evidence, Finding
from .console import WIDEST, clean, drawn, print_to
from .ending import (
    counted,
    how_it_ended,
    how_judged,
    not_moved,
    recording_lost,
    too_short,
    what_failed,
)
from .glyphs import ASCII, UNICODE, Glyphs
from .ladder import show_ladder
from .measured import title, when
from .model import Report
from .sentence import sentence
from .source import changed_since, excerpt, short_path
from .sparkline import series_behind, sparkline

NARROWEST = 40
AT_LENGTH = 3
"""So many causes are told at length, the others in one line each: a report fits on a screen."""

_STYLE = {"error": "bold red", "warning": "bold yellow", "note": "bold blue"}


def show(
    report: Report, file: TextIO | None = None, *, quiet: bool = False, verbose: bool = False
) -> None:
    """Prints the report.

    Args:
        report: What to print.
        file: Where to; standard error if not given, so that a script's own output stays as it is.
        quiet: Print findings, and the reason where nothing was seen; nothing else.
        verbose: Print each check: whether it judged, or why not.
    """
    print_to(file, partial(render, report, quiet=quiet, verbose=verbose))


def render(
    report: Report,
    *,
    width: int = WIDEST,
    colour: str | None = None,
    glyphs: Glyphs = UNICODE,
    quiet: bool = False,
    verbose: bool = False,
) -> str:
    """Returns the report as text, `width` columns wide; `colour` is one of rich's systems."""
    width = max(width, NARROWEST)
    page = _Page(report, glyphs, width)
    parts: list[RenderableType] = []
    if not quiet:
        parts += page.head()
    parts += page.body(quiet=quiet)
    if not quiet:
        parts += page.every_check() if verbose else []
        parts += page.foot()
    text = drawn(parts, width=width, colour=colour)
    return text if glyphs is UNICODE else text.replace("…", glyphs.cut)


class _Page:
    """Turns a report into the parts of a page."""

    def __init__(self, report: Report, glyphs: Glyphs, width: int) -> None:
        self._report, self._glyphs, self._width = report, glyphs, width
        self._facts = report.view.facts

    def head(self) -> list[RenderableType]:
        """Returns a line that sets the report apart from the script's own output."""
        title = f"{self._glyphs.line * 2} assay "
        return ["", Text(title + self._glyphs.line * (self._width - len(title)), "dim"), ""]

    def body(self, *, quiet: bool) -> list[RenderableType]:
        """Returns what matters: how the run ended, what was found, or why nothing can be said."""
        report, glyphs = self._report, self._glyphs
        parts: list[RenderableType] = []
        unseen = report.unseen
        ended = how_it_ended(report.view)
        if "stopped" in self._facts:
            ended = None  # as asked: the last lines say it
        lost = recording_lost(report.view)
        for line in (ended and f"the script {ended}", lost):
            if line and unseen is None and not quiet:
                parts += [_hanging(Text(glyphs.error, "red"), Text(clean(line), "red")), ""]
        if unseen is not None:
            parts.append(self._verdict(glyphs.unseen, "magenta", "not observed", unseen.reason))
            if not quiet:
                tips = [Text(f"{glyphs.arrow} {clean(tip)}") for tip in unseen.advice]
                parts += [Padding(tip, (0, 0, 0, 2)) for tip in tips]
                parts.append("")
        parts += self._findings()
        grave = any(finding.severity != "note" for finding in report.findings)
        if not grave and unseen is None and not quiet:
            said = self._nothing_found(ended=bool(ended or lost))
            # beside notes nothing is said of a run that is well
            parts += said if not report.findings or not self._is_well() else []
        if report.ladder is not None:
            parts += [*show_ladder(report.ladder, glyphs), ""]
        return parts

    def _is_well(self) -> bool:
        report = self._report
        doubt = what_failed(report.view) or report.too_short or not_moved(report)
        return not doubt

    def _nothing_found(self, *, ended: bool) -> list[RenderableType]:
        report, glyphs = self._report, self._glyphs
        looked, steps = len(report.diagnosis.silent), counted(report.view.steps, "step")
        failed = what_failed(report.view)
        if not report.diagnosis.judged:
            said = f"{steps} seen, but no check could look at them"
            said += f": {failed}" if failed else ""
            return [self._verdict(glyphs.unseen, "magenta", "not judged", said), ""]
        if failed:
            blind = counted(report.diagnosis.blind, "check")
            said = f"{counted(looked, 'check')} found nothing in {steps}, {blind} could not look"
            said += f": {failed}"
            return [self._verdict(glyphs.unseen, "magenta", "not judged in full", said), ""]
        if report.too_short:
            said = too_short(report)
            return [self._verdict(glyphs.unseen, "magenta", "too short to judge", said), ""]
        if still := not_moved(report):
            return [self._verdict(glyphs.unseen, "magenta", "not learning", still), ""]
        said = how_judged(report)
        if ended:
            said = f"until then {said}"
        return [self._verdict(glyphs.healthy, "green", "nothing wrong found", said), ""]

    @staticmethod
    def _verdict(sign: str, colour: str, verdict: str, said: str) -> RenderableType:
        text = Text().append(f"{verdict}: ", f"bold {colour}").append(clean(said))
        return _hanging(Text(sign, f"bold {colour}"), text)

    def _findings(self) -> list[RenderableType]:
        causes = self._report.causes()
        grave = [told for told in causes if told[0].severity != "note"][:AT_LENGTH]
        short = [told for told in causes if told not in grave]
        parts: list[RenderableType] = []
        for cause, symptoms in grave:
            parts += [*self._at_length(cause, symptoms), ""]
        for cause, symptoms in short:
            parts.append(self._in_one_line(cause))
            parts += self._folded(symptoms, indent=4)
        if short:
            more = f"assay explain {short[0][0].check}" if len(short) == 1 else "assay explain NAME"
            parts += [Padding(Text(f"more: {more}", "dim"), (0, 0, 0, 2)), ""]
        return parts

    def _at_length(self, finding: Finding, symptoms: list[Finding]) -> list[RenderableType]:
        style, sign = _STYLE[finding.severity], self._glyphs.of(finding.severity)
        title = Text().append(f"{sign} {finding.severity}: {finding.check}", style)
        title.append(f"  {finding.tier}{', preview' if finding.preview else ''}", "dim")
        parts: list[RenderableType] = [title]
        parts.append(Padding(Text(sentence(finding.summary), "bold"), (0, 0, 0, 2)))
        parts.append("")
        if source := self._source(finding, style):
            parts += [Padding(source, (0, 0, 0, 2)), ""]
        rows = Table.grid(padding=(0, 2, 0, 0), expand=True)
        rows.add_column(style="dim", width=9, no_wrap=True)
        rows.add_column(ratio=1, overflow="fold")
        place = finding.where.parameter or finding.where.module
        if place is None and finding.where.group is not None:
            place = f"optimizer group {finding.where.group}"
        if place:
            rows.add_row("where", Text(clean(place)))
        if processes := self._report.processes_of(finding):
            rows.add_row("process", Text(processes))
        if ranks := self._report.ranks_of(finding):
            rows.add_row("ranks", Text(ranks))
        if finding.also:
            lines = ", ".join(f"{short_path(site.file)}:{site.line}" for site in finding.also)
            rows.add_row("also at", Text(clean(lines), "cyan"))
        for number, evidence in enumerate(finding.evidence[:3]):
            rows.add_row("" if number else "measured", self._measured(finding, evidence))
        rows.add_row("why", Text(clean(finding.why)))
        for number, tip in enumerate(finding.try_):
            rows.add_row("" if number else "try", Text(clean(tip), "green"))
        rows.add_row("silence", Text(f"--ignore {finding.check}", "dim"))
        rows.add_row("more", Text(f"assay explain {finding.check}", "dim"))
        parts.append(Padding(rows, (0, 0, 0, 2)))
        if symptoms:
            parts += ["", Padding(Text("this also explains", "dim"), (0, 0, 0, 2))]
            parts += self._folded(symptoms, indent=2)
        return parts

    def _folded(self, symptoms: list[Finding], indent: int) -> list[RenderableType]:
        lines: list[RenderableType] = []
        for symptom in symptoms:
            branch = self._glyphs.last if symptom is symptoms[-1] else self._glyphs.branch
            said = " ".join(clean(symptom.summary).split())
            line = Text(no_wrap=True, overflow="ellipsis")
            line.append(f"{branch} {symptom.check}: {said}", "dim")
            lines.append(Padding(line, (0, 0, 0, indent)))
        return lines

    def _in_one_line(self, finding: Finding) -> RenderableType:
        style, sign = _STYLE[finding.severity], self._glyphs.of(finding.severity)
        line = Text().append(f"{finding.severity}: {finding.check}: ", style)
        line.append(" ".join(clean(finding.summary).split()))
        if processes := self._report.processes_of(finding):
            line.append(f" (process {processes})", "dim")
        if (ranks := self._report.ranks_of(finding)) and not ranks.startswith("all"):
            line.append(f" (rank{'s' if ' and ' in ranks else ''} {ranks})", "dim")
        return _hanging(Text(sign, style), line)

    def _source(self, finding: Finding, style: str) -> RenderableType | None:
        site = finding.where.site
        if site is None:
            return None
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{clean(short_path(site.file))}:{site.line}", "cyan")
        if site.function and not site.function.startswith("<"):
            text.append(f"  in {clean(site.function)}", "dim")
        if changed_since(site, self._facts):
            return text.append("  (changed since the run: its lines may have moved)", "yellow")
        lines = excerpt(site)
        digits = len(str(lines[-1][0])) if lines else 0
        for number, code in lines:
            here = number == site.line
            text.append(f"\n{self._glyphs.pointer if here else ' '} ", style)
            text.append(f"{number:>{digits}} {self._glyphs.bar} ", "dim")
            text.append(clean(code), "" if here else "dim")
        return text

    def _measured(self, finding: Finding, evidence: Evidence) -> Text:
        unit = f" {evidence.unit}" if evidence.unit not in ("", "1") else ""
        text = Text().append(clean(f"{title(evidence)} {evidence.value:.4g}{unit}"))
        if evidence.limit is not None:
            text.append(clean(f"  (limit {evidence.limit:.4g}{unit})"), "dim")
        series = series_behind(self._report.view, finding, evidence)
        cells = 16 if self._width >= 96 else 10
        if row := sparkline(series, cells, plain=self._glyphs is ASCII):
            text.append(f"  {row}", "cyan")
        if said := when(evidence, finding.steps):
            text.append(f"  {said}", "dim")
        return text

    def every_check(self) -> list[RenderableType]:
        """Returns each check: what it found, that it is silent, or why it could not judge."""
        from .foot import asked, each_check

        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(no_wrap=True)
        rows.add_column(overflow="fold")
        for name, said in each_check(self._report):
            rows.add_row(Text(name, "dim"), Text(clean(said), "dim"))
        again = asked(self._report)
        parts: list[RenderableType] = [rows, ""]
        if again:
            parts += [Text(clean(f"the model was asked again {again}"), "dim"), ""]
        return parts

    def foot(self) -> list[RenderableType]:
        """Returns what was seen, what it cost, and what could not look."""
        from .foot import foot_lines

        dot = f" {self._glyphs.dot} "
        lines: list[RenderableType] = [
            Text(clean(dot.join(line)), style) for style, line in foot_lines(self._report)
        ]
        return [*lines, ""]


def _hanging(sign: Text, text: Text) -> RenderableType:
    """Returns a sign one column wide, then text that wraps to the right of it."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    table.add_row(sign, text)
    return table
