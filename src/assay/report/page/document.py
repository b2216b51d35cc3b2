"""`report.html`: one file that holds everything, and lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ... import __version__
from ...signals.update_ratio import update_ratios
from ...trials.trial import Trial
from ...tuning.tuned import Tuned
from ..atomic import write_whole
from ..console import clean
from ..ending import counted, how_judged
from ..foot import duration, each_check
from ..model import Report
from ..sentence import sentence
from . import data, setup, verdict
from .curves import marks, panels
from .ladder import ladder_context
from .layers import layers
from .phases import first_steps, in_sequence, phases
from .search import search_context
from .trials import trial_context, trial_plots

NAME = "report.html"
VERSION = "1.6.32"
"""Of uPlot, which draws the curves."""

_HERE = Path(__file__).parent
_STYLES = (
    "uplot/uPlot.min.css",
    "static/page.css",
    "static/parts.css",
    "static/search.css",
    "static/print.css",
)
_SCRIPTS = ("theme.js", "plots.js", "layers.js", "trials.js", "page.js")


def write_page(
    report: Report, path: Path, trial: Trial | None = None, tuned: Tuned | None = None
) -> None:
    """Writes the page of a run, whole or not at all.

    Args:
        report: Of the run; of the control's first run where there is a trial.
        path: Where to.
        trial: To be shown beside the run.
        tuned: The search in which the trial was made.

    Raises:
        OSError: The file can't be written; one that was there stays as it was.
    """
    write_whole(path, render_page(report, trial, tuned, path).encode("utf-8", "replace"))


def render_page(
    report: Report,
    trial: Trial | None = None,
    tuned: Tuned | None = None,
    path: Path = Path(NAME),
) -> str:
    """Returns the page as HTML, for a file at `path`."""
    causes, evidence = verdict.causes(report)
    ratios = {t.index: update_ratios(t) for t in report.view.trainings}
    first = first_steps(report.view)
    view = in_sequence(report.view, first)
    curves = panels(view, ratios if view is report.view else None)
    fed = data.input_panels(view)
    for panel in [*curves, *fed]:
        panel.tell_samples(view.steps)
    content = {
        "steps": view.steps,
        "phases": phases(report.view, first),
        "evidence": evidence,
        "curves": [panel.as_data() for panel in curves],
        "inputs": [panel.as_data() for panel in fed],
        "marks": marks(report, first),
        "layers": layers(report.view, ratios),
        "trials": trial_plots(trial) if trial is not None else [],
    }
    style, library, script = _read_all()
    return _template().render(
        assay=__version__,
        uplot=VERSION,
        policy=policy(),
        style=Markup(style),
        library=Markup(library),
        script=Markup(script),
        data=Markup(embedded(content)),
        title=_title(report),
        summary=_summary(report),
        headline=verdict.headline(report),
        ending=verdict.ending(report),
        tips=[sentence(tip) for tip in report.unseen.advice] if report.unseen else [],
        causes=causes,
        ladder=ladder_context(report.ladder),
        checks=[(clean(name), clean(said)) for name, said in each_check(report)],
        judged=how_judged(report),
        problems=[sentence(error) for error in report.view.errors],
        content=content,
        inputs=data.inputs(report.view),
        held_out_inputs=data.held_out_inputs(report.view),
        histograms=data.histograms(report.view),
        labels=data.labels(report.view),
        loaders=data.loaders(report.view),
        trial=None if trial is None else trial_context(trial),
        search=None if tuned is None or not tuned.tried else search_context(tuned, path),
        setup=setup.facts(report),
        versions=setup.versions(report.view),
        optimizers=setup.optimizers(report.view),
    )


def policy() -> str:
    """Returns the content-security policy: our script and style by their hashes, nothing else."""
    style, *scripts = _read_all()
    hashes = " ".join(_hash(text) for text in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def embedded(content: Any) -> str:
    """Returns JSON that no text in it can end: what HTML gives a meaning to is escaped."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _read_all() -> tuple[str, str, str]:
    """Returns style, library and script of every page."""

    def read(*names: str) -> str:
        return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)

    library = read("uplot/uPlot.iife.min.js")
    parts = read(*(f"static/{name}" for name in _SCRIPTS))
    return read(*_STYLES), library, f'(() => {{\n"use strict";\n{parts}\n}})();'


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _title(report: Report) -> str:
    words = [str(word) for word in report.view.facts.get("command") or ()]
    script = next((word for word in words[1:] if not word.startswith("-")), "")
    return clean(Path(script).name or report.view.facts.get("id") or "run")


def _summary(report: Report) -> list[tuple[str, str]]:
    known = report.view.facts
    rows = [("run", str(known.get("id") or (report.folder.name if report.folder else "")))]
    if words := known.get("command"):
        first, *rest = (str(word) for word in words)
        rows.append(("command", shlex.join([Path(first).name or first, *rest])))
    rows.append(("steps", counted(report.view.steps, "step")))
    if known.get("seconds") is not None:
        rows.append(("took", duration(known["seconds"])))
    if known.get("device"):
        rows.append(("device", str(known["device"])))
    return [(name, clean(value)) for name, value in rows if value]
