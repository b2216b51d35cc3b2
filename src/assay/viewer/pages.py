"""The pages that the viewer makes; every value in them is escaped."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from ..configured import configured_checks
from ..journal.reader import read_run
from ..report import make_report, page
from ..report.ending import counted
from ..report.foot import duration
from ..report.page.document import embedded
from .comparing import Told
from .runs import Listed, Outside, readable

_HERE = Path(__file__).parent
_PAGE = Path(page.__file__).parent
STATIC: dict[str, tuple[str, tuple[Path, ...]]] = {
    "uplot.js": ("text/javascript", (_PAGE / "uplot" / "uPlot.iife.min.js",)),
    "view.js": (
        "text/javascript",
        (
            _PAGE / "static" / "theme.js",
            _PAGE / "static" / "plots.js",
            _HERE / "static" / "live.js",
        ),
    ),
    "view.css": (
        "text/css",
        (
            _PAGE / "uplot" / "uPlot.min.css",
            _PAGE / "static" / "page.css",
            _PAGE / "static" / "parts.css",
            _HERE / "static" / "view.css",
        ),
    ),
}
"""What pages load: its type, and the files that it is made of. Plots are drawn as in the report."""

OWN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_REPORTS = 8


@cache
def static(name: str) -> tuple[str, bytes] | None:
    """Returns type and text of what pages load; None if they load no such thing."""
    if name not in STATIC:
        return None
    kind, paths = STATIC[name]
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    if name == "view.js":
        text = f'(() => {{\n"use strict";\n{text}\n}})();\n'
    return kind, text.encode("utf-8")


def runs_page(runs: Sequence[Listed], folder: Path) -> str:
    """Returns the list of all runs."""
    content = {"kind": "runs", "steps": 0, "base": "./", "runs": [run.id for run in runs]}
    return _render("runs.html", content, runs=runs, folder=str(folder), title="runs")


def run_page(name: str, command: str) -> str:
    """Returns one run's page, with curves that grow while it runs."""
    content = {"kind": "run", "steps": 0, "base": "../../", "runs": [name]}
    return _render("run.html", content, name=name, command=command, title=name)


def compare_page(names: Sequence[str], commands: Sequence[str], told: Told) -> str:
    """Returns a page of two runs on the same axes, and what is to be said of them."""
    marks = [] if told.step is None else [{"step": told.step, "severity": "warning"}]
    content = {"kind": "compare", "steps": 0, "base": "./", "runs": list(names), "marks": marks}
    pairs = list(zip("AB", names, commands, strict=True))
    return _render("compare.html", content, pairs=pairs, told=told, title=" and ".join(names))


def _render(template: str, content: dict[str, Any], **values: Any) -> str:
    data = Markup(embedded(content))
    return _environment().get_template(template).render(data=data, base=content["base"], **values)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(duration=duration, counted=counted)
    return environment


class Reports:
    """Full reports: the file in the run folder, or one made from the record and kept a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()

    def of(self, run: Path) -> bytes:
        """Returns the report as HTML.

        A file is trusted only as far as its policy: one that does not name this version's own
        scripts would show no curves under it, so it is made anew.

        Raises:
            OSError: The record can't be read.
        """
        try:
            data = readable(run, run / page.NAME).read_bytes()
            if str(escape(page.policy())).encode() in data or page.policy().encode() in data:
                return data
        except Outside:
            pass
        journals = sorted(run.glob("journal-*.jsonl"))
        known = [path.stat() for path in (*journals, run / "run.json") if path.exists()]
        changed = tuple((status.st_size, status.st_mtime_ns) for status in known)
        with self._lock:  # one at a time: fifty that ask for the same page wait for the first
            if (run, changed) not in self._made:
                report = make_report(read_run(run), configured_checks(), folder=run)
                made = page.render_page(report).encode("utf-8", "replace")
                self._made[run, changed] = made
                while len(self._made) > _REPORTS:
                    self._made.popitem(last=False)
            return self._made[run, changed]
