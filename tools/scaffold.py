"""What `add_check.py`, `add_trick.py` and `add_probe.py` share: names, templates, and rows."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = Path(__file__).resolve().parent / "templates"


class ScaffoldError(Exception):
    """What can't be made, in one line."""


@dataclass(frozen=True)
class Name:
    """One thing's name in its spellings: `dead-units`, `dead_units`, `DeadUnits`."""

    kebab: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.kebab):
            raise ScaffoldError(f"a name is words joined by -, received {self.kebab!r}")

    @property
    def snake(self) -> str:
        return self.kebab.replace("-", "_")

    @property
    def camel(self) -> str:
        return "".join(part.capitalize() for part in self.kebab.split("-"))


@dataclass
class Scaffold:
    """Files to write and rows to insert, checked as a whole before anything is changed."""

    root: Path = ROOT
    files: dict[Path, str] = field(default_factory=dict)

    def add(self, path: str, template: str, values: Mapping[str, object]) -> None:
        """Plans a new file made from a template.

        Raises:
            ScaffoldError: The file is there already.
        """
        target = self.root / path
        if target.exists():
            raise ScaffoldError(f"{path} is there already")
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.files[target] = environment.get_template(template).render(values)

    def insert(self, path: str, where: str, rows: str, *, after: bool = False) -> None:
        """Plans rows before, or after, the one place of a file that matches a pattern.

        Raises:
            ScaffoldError: The file is not there, or has not exactly one such place.
        """
        target = self.root / path
        text = self.files.get(target)
        if text is None:
            if not target.is_file():
                raise ScaffoldError(f"{path} is not there")
            text = target.read_text(encoding="utf-8")
        places = list(re.finditer(where, text, re.MULTILINE))
        if len(places) != 1:
            raise ScaffoldError(f"{path}: {len(places)} places match {where!r}, not one")
        at = places[0].end() if after else places[0].start()
        self.files[target] = text[:at] + rows + text[at:]

    def write(self) -> None:
        """Writes all that was planned, and says what."""
        for path, text in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            verb = "changed" if path.exists() else "wrote"
            path.write_text(text, encoding="utf-8")
            print(f"{verb} {path.relative_to(self.root)}")


def package_init(scaffold: Scaffold, folder: str, says: str) -> None:
    """Plans the `__init__.py` of a family that is new."""
    target = scaffold.root / folder / "__init__.py"
    if not target.exists():
        scaffold.files[target] = f'"""{says}"""\n'


def run(main: object, description: str, parser: argparse.ArgumentParser) -> int:
    """Parses the command line and calls `main(given)`; what it can't do is told in one line."""
    parser.description = description
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        main(given)  # type: ignore[operator]
    except ScaffoldError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 2
    return 0


def sort_imports(root: Path, path: str) -> None:
    """Puts the imports of a file into their order."""
    words = ["-m", "ruff", "check", "--quiet", "--select", "I", "--fix", path]
    subprocess.run([sys.executable, *words], cwd=root, check=True)


def make_docs(root: Path) -> None:
    """Writes the reference pages anew."""
    subprocess.run([sys.executable, str(root / "tools" / "make_docs.py")], check=True, cwd=root)
