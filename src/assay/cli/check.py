"""`assay check`: run a training script unmodified and say what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from ..report.model import Report
from .options import make_parser, read_options
from .watching import watch


def main(words: Sequence[str]) -> NoReturn:
    """Runs the verb; ends this process as the script ended."""
    parser = make_parser("check", "Run a training script unmodified and say what is wrong with it.")
    parser.add_argument(
        "--deep", action="store_true", help="run it once more, to find the fault by experiment"
    )
    parser.add_argument(
        "--twice", action="store_true", help="run it a second time: do its seeds make it repeat?"
    )
    options = read_options(parser, words)

    def tell(report: Report) -> None:
        from ..report.terminal import show

        show(report, quiet=options.quiet, verbose=options.verbose)

    watch(options, tell)
