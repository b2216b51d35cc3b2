"""`assay learn NAME`: answers a question about training by an experiment that runs here and now."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..handbook.catalogue import NAMES, page
from ..handbook.figure import draw
from ..handbook.page import LANGUAGES, Measured, told
from ..handbook.running import ExperimentError, run
from ..launch.errors import LaunchError
from .language import add_language, language
from .words import Parser, did_you_mean

_SAYS = {
    "looks": ("assay looks at this by itself", "assay 自己会检查"),
    "acts": ("tricks that act here", "在这里起作用的技巧"),
    "figure": ("figure", "图"),
    "ask": (
        "`assay learn NAME` runs the experiment behind a question and draws it; `--all` runs all.",
        "`assay learn 名称` 运行该问题背后的实验并画图；`--all` 运行全部。",
    ),
}


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: There is no such experiment, or its figure can't be written.
    """
    parser = Parser(
        prog="assay learn",
        description="Answer a question about training by a small experiment: seconds, one thread. "
        "Without a name: list the questions.",
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="an experiment of the list")
    parser.add_argument("--all", action="store_true", help="run all experiments")
    parser.add_argument(
        "--out", metavar="FOLDER", default="learn", help="where figures are written (learn)"
    )
    add_language(parser)
    given = parser.read(words)
    speak = language(given.lang)
    for name in given.names:
        if name not in NAMES:
            hint = did_you_mean(name, NAMES) or "; `assay learn` lists them"
            raise LaunchError(f"no experiment is called {name!r}{hint}")
    names = NAMES if given.all else tuple(dict.fromkeys(given.names))
    if not names:
        _list(speak)
        return 0
    folder = _folder(given.out)
    try:
        for name, measured in run(names):
            _tell(name, measured, speak, folder)
    except ExperimentError as error:
        raise LaunchError(str(error), status=1) from None
    return 0


def _list(speak: str) -> None:
    place = LANGUAGES.index(speak)
    wide = max(map(len, NAMES))
    lines = [f"{name:{wide}}  {page(name).question[place]}" for name in NAMES]
    say([*lines, "", _SAYS["ask"][place]])


def _folder(asked: str) -> Path:
    folder = Path(asked)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LaunchError(f"--out: can't make the folder {asked}: {error.strerror}") from None
    return folder


def _tell(name: str, measured: Measured, speak: str, folder: Path) -> None:
    place = LANGUAGES.index(speak)
    shown = page(name)
    target = folder / f"{name}.svg"
    try:
        target.write_text(draw(shown, measured, speak), encoding="utf-8")
    except OSError as error:
        raise LaunchError(f"--out: can't write {target}: {error.strerror}") from None
    lines = [shown.question[place], *(f"  {line}" for line in told(shown, measured, speak)), ""]
    for key, them in (("looks", shown.checks), ("acts", shown.tricks)):
        if them:
            lines.append(f"  {_SAYS[key][place]}: {', '.join(them)}")
    lines.append(f"  {_SAYS['figure'][place]}: {target}")
    say([*lines, ""])


def say(lines: Sequence[str]) -> None:
    """Prints lines: wrapped in a terminal, whole for a file or another program."""
    if not sys.stdout.isatty():
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    out = Console(emoji=False, highlight=False)
    for line in lines:
        words = line.lstrip()
        indent = len(line) - len(words)
        out.print(Padding(Text(words), (0, 0, 0, indent)), width=min(out.width, 100))
