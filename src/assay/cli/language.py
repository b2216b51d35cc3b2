"""The language in which a verb speaks: as asked, by `ASSAY_LANG`, or that of the system."""

from __future__ import annotations

import argparse
import os

from ..handbook.page import LANGUAGES
from ..launch.errors import LaunchError

_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def add_language(parser: argparse.ArgumentParser) -> None:
    """Adds `--lang` to a verb."""
    parser.add_argument("--lang", metavar="LANG", help="en or zh (or by ASSAY_LANG)")


def language(asked: str | None) -> str:
    """Returns the language to speak.

    Args:
        asked: What was given by `--lang`.

    Raises:
        LaunchError: It is none that we speak.
    """
    for said, value in (("--lang", asked), ("ASSAY_LANG", os.environ.get("ASSAY_LANG"))):
        if value:
            if value not in LANGUAGES:
                raise LaunchError(f"{said} must be en or zh, received {value!r}")
            return value
    # the first of them that is set counts, as in POSIX
    locale = next((os.environ[name] for name in _LOCALE if os.environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"
