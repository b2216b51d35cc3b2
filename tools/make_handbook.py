"""Writes the parts of the handbook's pages that experiments make: figures, numbers, links.

    python tools/make_handbook.py             run all experiments, write figures and pages (minutes)
    python tools/make_handbook.py nan warmup  only these
    python tools/make_handbook.py --words     run nothing: lists of pages, links to checks, tricks

The rest of each page, docs/handbook/NAME.md and docs/zh/handbook/NAME.md, is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from assay.handbook.catalogue import NAMES, page
from assay.handbook.checklist import GROUPS, ITEMS, YOURS
from assay.handbook.checklist import LOOKS as LOOKS_BY_ITSELF
from assay.handbook.figure import draw
from assay.handbook.page import LANGUAGES, Measured, told
from assay.handbook.running import run

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
FIGURES = DOCS / "handbook" / "figures"
FOLDERS = {"en": DOCS / "handbook", "zh": DOCS / "zh" / "handbook"}
UP = {"en": "..", "zh": "../.."}
MADE = "made by tools/make_handbook.py"
LOOKS = {
    "en": ("assay looks at this by itself", "Tricks that act here"),
    "zh": ("assay 自己会检查", "在这里起作用的技巧"),
}


def block(text: str, name: str, made: str) -> str:
    """The text with what stands between the marks of a block exchanged."""
    pattern = re.compile(rf"(<!-- {name}: {MADE} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"no block <!-- {name}: {MADE} --> ... <!-- /{name} -->")
    return pattern.sub(lambda found: f"{found[1]}{made}\n{found[2]}", text)


def figure_name(name: str, language: str) -> str:
    return f"{name}.svg" if language == "en" else f"{name}.{language}.svg"


def shown(name: str, measured: Measured, language: str) -> str:
    """The figure of an experiment, and what it shows, as Markdown."""
    question = page(name).question[LANGUAGES.index(language)]
    folder = "figures" if language == "en" else "../../handbook/figures"
    picture = f"![{question}]({folder}/{figure_name(name, language)})"
    lines = [f"- {line}" for line in told(page(name), measured, language)]
    return "\n".join([picture, "", *lines])


def acts(name: str, language: str) -> str:
    """The checks that look at what a page is about, and the tricks that act there, as Markdown."""
    parts = []
    for title, kind, names in zip(
        LOOKS[language], ("checks", "tricks"), (page(name).checks, page(name).tricks), strict=True
    ):
        links = [f"[`{each}`]({UP[language]}/reference/{kind}/{each}.md)" for each in names]
        if links:
            parts.append(f"{title}: {', '.join(links)}")
    return "\n\n".join(parts)


def listed(language: str) -> str:
    """The list of all pages, as Markdown."""
    place = LANGUAGES.index(language)
    return "\n".join(f"- [{page(name).question[place]}]({name}.md)" for name in NAMES)


def checklist(language: str) -> str:
    """The whole checklist, as Markdown."""
    place = LANGUAGES.index(language)
    lines = []
    for group, title in GROUPS.items():
        lines += [f"## {title[place]}", ""]
        for item in ITEMS[group]:
            links = [f"[`{c}`]({UP[language]}/reference/checks/{c}.md)" for c in item.checks]
            who = (
                f"{LOOKS_BY_ITSELF[place]}: {', '.join(links)}" if links else f"**{YOURS[place]}**"
            )
            lines.append(f"- {item.says[place]} {who}")
        lines.append("")
    return "\n".join(lines)


def words(language: str) -> dict[Path, str]:
    """All pages of a language with their lists and links as they should be."""
    folder = FOLDERS[language]
    texts = {}
    for name in NAMES:
        path = folder / f"{name}.md"
        texts[path] = block(path.read_text(encoding="utf-8"), "acts", acts(name, language))
    for name, part, made in (
        ("index", "pages", listed(language)),
        ("checklist", "checklist", checklist(language)),
    ):
        path = folder / f"{name}.md"
        texts[path] = block(path.read_text(encoding="utf-8"), part, made)
    return texts


def write_shown(name: str, measured: Measured) -> None:
    """Writes figures and numbers of one experiment, in all languages."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    for language, folder in FOLDERS.items():
        drawn = draw(page(name), measured, language)
        (FIGURES / figure_name(name, language)).write_text(drawn, encoding="utf-8")
        path = folder / f"{name}.md"
        text = path.read_text(encoding="utf-8")
        path.write_text(block(text, "shown", shown(name, measured, language)), encoding="utf-8")


def main(names: list[str]) -> int:
    if names != ["--words"]:
        for name in set(names) - set(NAMES):
            print(f"make_handbook: no experiment is called {name!r}", file=sys.stderr)
            return 2
        for name, measured in run(names or NAMES):
            write_shown(name, measured)
            print(f"wrote {name}")
    for language in LANGUAGES:
        for path, text in words(language).items():
            path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
