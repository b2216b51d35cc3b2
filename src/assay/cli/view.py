"""`assay view [RUNS-FOLDER]`: all runs in a browser, with curves while a script runs."""

from __future__ import annotations

import argparse
import errno
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from ..launch.errors import LaunchError
from ..launch.folder import RUNS
from ..launch.settings import read_settings
from ..report.source import short_path
from ..viewer import Viewer
from .complaint import complain
from .report import is_run
from .words import Parser


def main(words: Sequence[str]) -> int:
    """Runs the verb until Ctrl-C.

    Raises:
        LaunchError: There is no such folder, or the port can't be had.
    """
    parser = Parser(prog="assay view", description="Show all runs in a browser, live.")
    add = parser.add_argument
    add("folder", metavar="RUNS-FOLDER", nargs="?", help=".assay/runs if not given")
    add("--port", type=port, default=0, metavar="N", help="listen there; else on any free port")
    add("--open", action="store_true", help="open the page in your browser")
    given = parser.read(words)
    base = folder_of_runs(Path(given.folder or read_settings().run_dir or RUNS))
    try:
        viewer = Viewer(base, given.port)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is in use: name another one" if taken else f"can't be had: {error.strerror}"
        raise LaunchError(f"--port: {given.port} {why}") from None
    with viewer:
        sys.stdout.write(f"assay: {short_path(str(base))} at {viewer.address}  (Ctrl-C ends it)\n")
        sys.stdout.flush()
        if given.open:
            webbrowser.open(viewer.address)
        try:
            viewer.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            complain("view ended")
    return 0


def folder_of_runs(folder: Path) -> Path:
    """Returns the folder, if runs may lie in it.

    Raises:
        LaunchError: It is none.
    """
    if not folder.is_dir():
        raise LaunchError(f"no folder {folder}: make a run with `assay check`, or name the folder")
    if is_run(folder):
        raise LaunchError(f"{folder} is a run: name the folder it lies in")
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise LaunchError(f"{folder}: can't be read: {error.strerror}") from None
    return folder.resolve()


def port(text: str) -> int:
    """Reads a port from 1 to 65535.

    Raises:
        ArgumentTypeError: It is none.
    """
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 1 to 65535, received {text!r}"
        )
    return number
