"""`assay checklist`: what to look at in a training, and which of it assay looks at by itself."""

from __future__ import annotations

from collections.abc import Sequence

from ..handbook.checklist import GROUPS, ITEMS, LOOKS, YOURS, Item
from ..handbook.page import LANGUAGES
from ..launch.errors import LaunchError
from .language import add_language, language
from .learn import say
from .words import Parser, did_you_mean


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: There is no such part of the list.
    """
    parser = Parser(
        prog="assay checklist",
        description="List what to look at when a network does not train, and which of it assay "
        "looks at by itself.",
    )
    parser.add_argument("groups", metavar="GROUP", nargs="*", help=f"{', '.join(GROUPS)}")
    add_language(parser)
    given = parser.read(words)
    place = LANGUAGES.index(language(given.lang))
    for name in given.groups:
        if name not in GROUPS:
            hint = did_you_mean(name, GROUPS) or f"; there are {', '.join(GROUPS)}"
            raise LaunchError(f"no part of the checklist is called {name!r}{hint}")
    for name in dict.fromkeys(given.groups or GROUPS):
        say([GROUPS[name][place], *(_line(item, place) for item in ITEMS[name]), ""])
    return 0


def _line(item: Item, place: int) -> str:
    who = f"{LOOKS[place]}: {', '.join(item.checks)}" if item.checks else YOURS[place]
    return f"  {'[x]' if item.checks else '[ ]'} {item.says[place]} ({who})"
