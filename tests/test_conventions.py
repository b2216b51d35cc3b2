"""The house rules that a reviewer would otherwise have to remember.

Each rule is a function from a source tree to a list of violations, so that it is tried twice: on
the real tree, where the list must be empty, and on a small broken one, where it must not be.
"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "assay"
SCRIPTS = ROOT / "tests" / "checks"
REGISTRY = PACKAGE / "checks" / "registry.py"

# The wall. The child is the user's own process; the parent is ours.
CHILD = {
    "seams", "watching", "replay", "curvature", "forensics", "probes", "ladder", "tricks",
    "handbook", "merging", "session",
    "journal.writer", "journal.recorder",
}  # fmt: skip
PARENT = {
    "cli", "launch", "observe", "signals", "checks", "diagnosis", "edits", "trials", "report",
    "export", "viewer", "checking", "configured", "comparison", "tuning",
    "fusion",
}  # fmt: skip
# Starts inside the user's interpreter as a top-level module: outside the package's own order.
BOOT = "launch/boot/"

# What each part may import besides itself. Nothing points back.
READERS = {"journal", "signals"}
JUDGES = READERS | {"checks", "diagnosis"}
LAYERS: dict[str, set[str]] = {
    "": {"checking", "journal", "launch", "notebook", "report", "session"},  # all lazily
    "configured": {"checks", "launch"},
    "checking": JUDGES | {"configured", "report", "launch", "observe"},
    "notebook": JUDGES | {"checking", "configured", "report", "launch", "session"},  # both sides
    "__main__": {"cli"},
    "seams": {"journal"},
    "watching": {"seams", "journal"},
    "replay": {"seams", "watching", "journal"},
    "curvature": {"seams", "watching", "journal"},
    "forensics": {"seams", "watching", "replay", "journal"},
    "probes": {"seams", "watching", "replay", "curvature", "forensics", "journal"},
    "tricks": {"seams", "watching", "journal", "merging"},
    "ladder": {"seams", "watching", "replay", "probes", "journal"},
    "session": {
        "seams",
        "watching",
        "forensics",
        "probes",
        "ladder",
        "tricks",
        "merging",
        "journal",
    },
    "merging": set(),
    # names and options of methods are read without torch
    "fusion": {"launch", "merging"},
    "journal": set(),
    "signals": {"journal"},
    "comparison": READERS,
    "checks": READERS,
    "diagnosis": READERS | {"checks"},
    "report": JUDGES | {"trials", "tuning", "tricks", "comparison", "fusion"},
    "export": JUDGES | {"report", "launch"},
    "viewer": JUDGES | {"report", "configured", "comparison"},
    "launch": {"journal"},
    "observe": {"launch", "journal"},
    # names, values and order of tricks are read without torch
    "edits": {"journal", "tricks"},
    "trials": JUDGES | {"launch", "observe", "tricks", "edits", "comparison"},
    "tuning": JUDGES | {"launch", "trials", "tricks"},
    "cli": JUDGES
    | {
        "comparison",
        "configured",
        "report",
        "launch",
        "observe",
        "trials",
        "tuning",
        "fusion",
        "merging",
        "tricks",
        "edits",
        "demo",
        "handbook",
        "export",
        "viewer",
    },
    "demo": set(),
    "handbook": {"demo", "curvature"},  # read by the parent, where only `measure` needs torch
    # For authors of checks and tricks: stands on everything.
    "testing": JUDGES | CHILD | PARENT,
}

DEFAULT_CAP, SMALL_CAP = 300, 150
# What all tricks share, and so no trick itself.
TRICK_MACHINERY = {"base", "catalogue", "handle", "options", "stage"}
# Path below src/assay -> (lines allowed, why). Only files over their cap belong here.
LONGER: dict[str, tuple[int, str]] = {
    "handbook/checklist.py": (480, "one table: what to look at, in two languages"),
    "journal/events.py": (1900, "one table: every kind of event with the type of its data"),
    "journal/signals.py": (1050, "one table: every signal"),
    "seams/events.py": (400, "one table: every event with its parameters"),
    "replay/tape.py": (410, "recording and playing keep one invariant: read side by side"),
    "replay/proof.py": (
        400,
        "one walk over a function's syntax, a case for each kind of node",
    ),
    "replay/replays.py": (490, "what is recorded of an iteration and what may be asked of it"),
    "checks/loss/loss_not_finite.py": (
        190,
        "where it came from and what became of the weights: the two are told in one sentence",
    ),
    "checks/model/batchnorm_stale_statistics.py": (
        160,
        "a norm's fit, its age, and what each of them makes of the other",
    ),
    "checks/optimizer/learning_rate_too_low.py": (
        165,
        "what it requires of a training is six things, each with a reason of its own",
    ),
    "checks/loss/loss_detached.py": (
        175,
        "no gradient at all, or none from a step on, and the line where the graph was cut",
    ),
    "checks/data/input_not_normalised.py": (
        195,
        "scale and offset, of the whole run or from the step at which the data changed",
    ),
    "checks/data/eval_preprocessed_differently.py": (
        210,
        "scale, signs, channels and ids, each with the look-alike that it must leave alone",
    ),
    "checks/data/input_constant.py": (160, "a whole input, a feature, a channel: told apart here"),
    "checks/data/labels_unrelated_to_inputs.py": (
        195,
        "two reasons why its models can't tell, losses that stay at chance or fall by heart alone",
    ),
    "checks/data/labels_missing.py": (190, "labels of classes and targets of numbers, in one look"),
    "probes/data/loaders.py": (330, "how a loader is set, what it draws, what workers draw from"),
    "watching/lineage.py": (360, "one walk over a script's names, a case for each way to bind one"),
    "checks/gradient/exploding_gradient.py": (160, "a burst, its harm, and which are another's"),
    "checks/gradient/vanishing_gradient.py": (160, "what it requires stands beside what it judges"),
    "checks/optimizer/learning_rate_too_high.py": (
        265,
        "one verdict from four measurements; each says when it was seen, what, and by how much",
    ),
    "checks/optimizer/parameters_outside_optimizer.py": (
        200,
        "what lies outside, and which of the right practices it may be: each rule a few lines",
    ),
    "watching/by_hand.py": (330, "finding a step without an optimizer and writing it is one walk"),
    "watching/clock.py": (340, "iterations, losses and steps are one machine of states"),
    "journal/reader.py": (445, "one short handler for each kind of journal line"),
    "tricks/rate/schedule.py": (170, "declares the fifteen options of all curves, one by one"),
}

HEADINGS = [
    "What it does",
    "Why it matters",
    "Evidence",
    "Known exceptions",
    "Example",
    "What to try",
    "References",
]


# --- reading a tree ---------------------------------------------------------------------------


def sources(package: Path) -> Iterator[tuple[Path, str]]:
    """Every module with its dotted name below the package ('' is the package itself)."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        yield path, ".".join(part for part in parts if part != "__init__")


def imports(path: Path, name: str, package: Path) -> Iterator[tuple[int, str, bool]]:
    """All imports of a file, lazy ones too, as (line, dotted target, is it ours?).

    A target of ours is named below the package: `from ..journal import writer` in
    probes/sampler.py is `journal.writer`. An absolute `assay.x` is reported as it stands.
    """
    here = name.split(".") if name else []
    if path.name != "__init__.py":
        here = here[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, False
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module or "", False
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1]
            base += (node.module or "").split(".") if node.module else []
            for alias in node.names:
                target = ".".join([*base, alias.name])
                is_module = (package / target.replace(".", "/")).is_dir() or (
                    package / (target.replace(".", "/") + ".py")
                ).is_file()
                yield node.lineno, target if is_module else ".".join(base), True


def type_checking(path: Path) -> set[int]:
    """Lines below `if TYPE_CHECKING:`, which never run."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    blocks = [
        node.body
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {line for body in blocks for n in body for line in range(n.lineno, n.end_lineno + 1)}


def belongs(name: str, parts: set[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def first(name: str) -> str:
    return name.split(".")[0]


def is_boot(path: Path, package: Path) -> bool:
    return path.relative_to(package).as_posix().startswith(BOOT)


# --- the rules --------------------------------------------------------------------------------


def child_imports(package: Path) -> list[str]:
    """The child imports the standard library, torch, and ours by relative imports only."""
    problems = []
    for path, name in sources(package):
        boot = is_boot(path, package)
        if not boot and not belongs(name, CHILD):
            continue
        # Boot waits for torch and must never import it, chains to a sitecustomize that the user
        # already had, and has no package to be relative to.
        allowed = {"assay", "sitecustomize"} if boot else {"torch"}
        for line, target, ours in imports(path, name, package):
            at = f"{path.relative_to(package)}:{line}"
            if ours and belongs(target, PARENT):
                problems.append(f"{at}: the child imports the parent's {target}")
            elif not ours and first(target) == "assay" and not boot:
                problems.append(f"{at}: imports {target} absolutely, the child imports relatively")
            elif target == "typing_extensions" and line in type_checking(path):
                continue  # read by type checkers alone
            elif not ours and first(target) not in sys.stdlib_module_names | allowed:
                problems.append(f"{at}: the child may not import {target}")
    return problems


def parent_imports(package: Path) -> list[str]:
    """The parent never imports torch, not even lazily or for types."""
    problems = []
    for path, name in sources(package):
        shared = belongs(name, {"journal"}) and not belongs(name, CHILD)
        if not (shared or belongs(name, PARENT)):
            continue
        problems += [
            f"{path.relative_to(package)}:{line}: the parent imports {target}"
            for line, target, ours in imports(path, name, package)
            if not ours and first(target) == "torch"
        ]
    return problems


def layer_order(package: Path) -> list[str]:
    """Imports follow LAYERS; a new part of the house has to be entered there."""
    problems = []
    for path, name in sources(package):
        if is_boot(path, package):
            continue
        part = first(name)
        if part not in LAYERS:
            problems.append(f"{path.relative_to(package)}: {part} has no place in LAYERS")
            continue
        for line, target, ours in imports(path, name, package):
            if not ours and first(target) == "assay":
                target = target.partition(".")[2]
            elif not ours:
                continue
            # '' is assay/__init__.py: constants such as __version__, open to everyone.
            if first(target) not in LAYERS[part] | {part, ""}:
                at = f"{path.relative_to(package)}:{line}"
                problems.append(f"{at}: {part} may not import {target}")
    return problems


def cap_of(path: Path, package: Path) -> int:
    parts = path.relative_to(package).parts
    one_check = parts[0] == "checks" and len(parts) == 3
    one_trick = parts[0] == "tricks" and path.stem not in TRICK_MACHINERY
    small = (one_check or one_trick) and path.name != "__init__.py"
    return SMALL_CAP if small else DEFAULT_CAP


def file_lengths(package: Path, longer: dict[str, tuple[int, str]] = LONGER) -> list[str]:
    """A check or a trick fits in 150 lines, any file in 300, or says why it does not."""
    problems, needed = [], set()
    for path, _ in sources(package):
        key, cap = path.relative_to(package).as_posix(), cap_of(path, package)
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > cap:
            needed.add(key)
        allowed, _ = longer.get(key, (cap, ""))
        if length > allowed:
            problems.append(f"{key}: {length} lines, at most {allowed}")
    problems += [f"{key}: in LONGER without need" for key in sorted(set(longer) - needed)]
    return problems + [f"{key}: in LONGER without a reason" for key in longer if not longer[key][1]]


NOUNS = {"As", "Counts of", "Findings", "Its", "Losses", "Names of", "Seconds", "Steps of", "This",
         "Tricks", "Words"}  # fmt: skip
"""What a docstring may begin with that ends in s like a verb, and is none."""


def docstrings(package: Path) -> list[str]:
    """A function's docstring begins with a verb ("Returns ..."), no other with half a sentence.

    A property's is a noun phrase; a listener's (`on_<event>`) may say what has happened.
    """
    problems = []
    for path, _ in sources(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            if not (function or isinstance(node, ast.ClassDef)):
                continue
            text = (ast.get_docstring(node) or "").split()
            if not text:
                continue
            at = f"{path.relative_to(package)}:{node.lineno}: {node.name}: {' '.join(text[:5])}"
            decorated = {ast.unparse(d).rpartition(".")[2] for d in node.decorator_list}
            if function and not decorated & {"property", "cached_property"}:
                word, pair = text[0].rstrip(".,:;"), " ".join(text[:2])
                verb = word.endswith("s") and not {word, pair} & NOUNS
                listener = re.match(r"_?on_", node.name)
                if not (verb or word in ("Whether", "Called") or listener):
                    problems.append(at)
            elif text[0] in ("Of", "That", "And", "Those"):
                problems.append(at)
    return problems


def vague_names(package: Path) -> list[str]:
    """No drawer for what has no name."""
    vague = {"utils", "util", "helpers", "helper", "misc", "common"}
    return [str(path.relative_to(package)) for path, _ in sources(package) if path.stem in vague]


def unregistered(package: Path, checks: tuple[Any, ...]) -> list[str]:
    """Each file in checks/<family>/ holds one registered check, named like the file."""
    problems = []
    names = [check.name for check in checks]
    problems += [
        f"{name}: registered twice" for name in sorted(set(names)) if names.count(name) > 1
    ]
    homes = set()
    for check in checks:
        cls = type(check)
        home = Path(sys.modules[cls.__module__].__file__ or "").resolve()
        homes.add(home)
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", check.name):
            problems.append(f"{check.name}: not kebab-case")
        if home.stem != check.name.replace("-", "_"):
            problems.append(f"{check.name}: lives in {home.name}")
        if home.parent.name != check.family:
            problems.append(f"{check.name}: family {check.family}, folder {home.parent.name}")
        if cls.__name__ != "".join(part.capitalize() for part in check.name.split("-")):
            problems.append(f"{check.name}: its class is called {cls.__name__}")
        if check.severity not in {"error", "warning", "note"}:
            problems.append(f"{check.name}: severity {check.severity!r}")
        problems += [
            f"{check.name}: limit {key} names no source"
            for key, limit in check.limits.items()
            if not limit.source.strip()
        ]
    for path in sorted((package / "checks").glob("*/*.py")):
        if not path.name.startswith("_") and path.resolve() not in homes:
            problems.append(f"{path.relative_to(package)}: not in the registry")
    return problems


def unfinished(root: Path) -> list[str]:
    """No file holds a place that `tools/add_*.py` left to be written."""
    return [
        f"{path.relative_to(root)}: {line.strip()[:60]}"
        for folder in ("src", "tests", "benchmarks", "changelog")
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in (".py", ".md") and path.name != "test_conventions.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if "WRITE: " in line
    ]


def page_headings(checks: tuple[Any, ...]) -> list[str]:
    """A check's docstring is its page: one sentence, then the seven headings in order."""
    problems = []
    for check in checks:
        text = textwrap.dedent("    " + (type(check).__dict__.get("__doc__") or ""))
        lines = text.strip().splitlines() or [""]
        if not lines[0].endswith(".") or (len(lines) > 1 and lines[1].strip()):
            problems.append(f"{check.name}: the page does not begin with one sentence")
        found = re.findall(r"^\s*## (.+?)\s*$", text, re.MULTILINE)
        if found != HEADINGS:
            problems.append(f"{check.name}: headings {found}")
    return problems


def three_scripts(checks: tuple[Any, ...], scripts: Path) -> list[str]:
    """Each check has a sick, a healthy and a fixed script, and no script lacks its check."""
    problems = [
        f"{check.name}: no {kind}.py"
        for check in checks
        for kind in ("sick", "healthy", "fixed")
        if not (scripts / check.name.replace("-", "_") / f"{kind}.py").is_file()
    ]
    names = {check.name.replace("-", "_") for check in checks}
    orphans = {path.parent.name for path in scripts.glob("*/sick.py")} - names
    return problems + [f"{name}: has scripts, but there is no such check" for name in orphans]


# --- the real tree ----------------------------------------------------------------------------


def registered() -> tuple[Any, ...]:
    """All checks; empty only while there is no registry and no check at all."""
    if not REGISTRY.is_file():
        files = [p for p in (PACKAGE / "checks").glob("*/*.py") if p.name != "__init__.py"]
        assert not files, f"checks without a registry: {files}"
        return ()
    from assay.checks.registry import CHECKS

    assert CHECKS, "the registry is empty"
    return tuple(CHECKS)


def test_the_tree_is_where_this_file_thinks_it_is() -> None:
    names = {name for _, name in sources(PACKAGE)}
    assert {"", "demo.digits"} <= names


@pytest.mark.parametrize(
    "rule", [child_imports, parent_imports, layer_order, file_lengths, vague_names, docstrings]
)
def test_tree(rule: Callable[[Path], list[str]]) -> None:
    assert rule(PACKAGE) == []


def test_checks_are_registered() -> None:
    assert unregistered(PACKAGE, registered()) == []


def test_nothing_is_left_to_be_written() -> None:
    assert unfinished(ROOT) == []


def test_what_is_left_to_be_written_is_found(tmp_path: Path) -> None:
    tree(tmp_path, {"src/a.py": "# WRITE: the condition", "changelog/b.added.md": "Done."})
    assert unfinished(tmp_path) == ["src/a.py: # WRITE: the condition"]


def test_check_pages() -> None:
    assert page_headings(registered()) == []


def test_check_scripts() -> None:
    assert three_scripts(registered(), SCRIPTS) == []


def loaded(modules: list[str]) -> str:
    """Import the modules in a fresh interpreter; say whether torch came along."""
    code = (
        "import sys, importlib\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules: sys.exit(f'{name} loads torch')\n"
        "print('clean')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_importing_assay_loads_no_torch() -> None:
    assert loaded(["assay"]) == "clean"


def test_importing_the_parent_loads_no_torch() -> None:
    parent = [
        f"assay.{name}"
        for path, name in sources(PACKAGE)
        if belongs(name, PARENT) and not is_boot(path, PACKAGE)
    ]
    assert parent
    assert loaded(parent) == "clean"


# --- the rules can fail -----------------------------------------------------------------------


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("rule", "file", "text", "says"),
    [
        (child_imports, "probes/a.py", "import numpy", "may not import numpy"),
        (child_imports, "seams/a.py", "def f():\n    import rich", "may not import rich"),
        (child_imports, "seams/a.py", "import typing_extensions", "may not import typing_ext"),
        (child_imports, "journal/writer.py", "import assay.seams", "absolutely"),
        (child_imports, "session.py", "from .checks import registry", "the parent's checks"),
        (child_imports, "launch/boot/sitecustomize.py", "import torch", "may not import torch"),
        (parent_imports, "signals/a.py", "import torch.nn", "imports torch.nn"),
        (parent_imports, "checks/x/a.py", "from torch import nn", "imports torch"),
        (parent_imports, "journal/reader.py", "def f():\n    import torch", "imports torch"),
        (layer_order, "seams/a.py", "from ..probes import b", "seams may not import probes"),
        (layer_order, "journal/a.py", "from ..signals.c import d", "journal may not import"),
        (layer_order, "checks/x/a.py", "from ... import report", "checks may not import report"),
        (layer_order, "report/a.py", "from assay.cli import main", "report may not import cli"),
        (layer_order, "attic/a.py", "", "attic has no place in LAYERS"),
        (file_lengths, "checks/x/a.py", "\n" * 151, "151 lines, at most 150"),
        (file_lengths, "tricks/a.py", "\n" * 151, "151 lines, at most 150"),
        (file_lengths, "signals/a.py", "\n" * 301, "301 lines, at most 300"),
        (vague_names, "signals/utils.py", "", "signals/utils.py"),
        (docstrings, "signals/a.py", 'def f():\n    """Of all that live."""', "f: Of all that"),
        (docstrings, "signals/a.py", 'def f():\n    """Names of all."""', "f: Names of all."),
        (docstrings, "signals/a.py", 'class A:\n    """And ends."""', "A: And ends."),
    ],
)
def test_rule_can_fail(
    rule: Callable[[Path], list[str]], file: str, text: str, says: str, tmp_path: Path
) -> None:
    modules = {"probes/b.py": "", "checks/registry.py": "", "report/__init__.py": ""}
    found = [p for p in rule(tree(tmp_path, {**modules, file: text})) if file in p]
    assert len(found) == 1
    assert says in found[0]


def test_right_imports_are_let_through(tmp_path: Path) -> None:
    good = {
        "__init__.py": "def start():\n    from .session import start",
        "session.py": "from .probes import b\nfrom .journal.writer import Writer",
        "probes/b.py": "import time\nimport torch\nfrom ..seams import optimizer\nfrom .c import d",
        "probes/c.py": "d = 1",
        "seams/optimizer.py": "from torch import nn",
        "journal/writer.py": "import torch",
        "checks/gradient/a.py": "from ...journal.view import RunView\nfrom .. import base",
        "checks/base.py": "",
        "cli/main.py": "import rich\nfrom .. import __version__\nfrom ..report import terminal",
        "report/terminal.py": "",
        "launch/boot/sitecustomize.py": "import sys\nimport assay.session",
    }
    package = tree(tmp_path, good)
    for rule in (child_imports, parent_imports, layer_order, vague_names):
        assert rule(package) == [], rule.__name__
    assert file_lengths(package, {}) == []


def test_an_allowance_must_be_needed_and_reasoned(tmp_path: Path) -> None:
    package = tree(tmp_path, {"signals/a.py": "\n" * 310, "signals/b.py": ""})
    assert file_lengths(package, {"signals/a.py": (320, "one table")}) == []
    assert file_lengths(package, {"signals/a.py": (305, "one table")}) != []
    assert file_lengths(package, {"signals/a.py": (320, "")}) != []
    unneeded = {"signals/a.py": (320, "one table"), "signals/b.py": (320, "a whim")}
    assert file_lengths(package, unneeded) == ["signals/b.py: in LONGER without need"]


class Stray:
    """A page without a full stop

    ## What it does
    """

    name, family, severity, limits = "No-such", "gradient", "fatal", {}


def test_a_stray_check_is_seen(tmp_path: Path) -> None:
    package = tree(tmp_path, {"checks/gradient/forgotten.py": ""})
    problems = "\n".join(unregistered(package, (Stray(), Stray())))
    for says in (
        "registered twice",
        "not kebab-case",
        "lives in test_conventions.py",
        "family gradient, folder tests",
        "its class is called Stray",
        "severity 'fatal'",
        "forgotten.py: not in the registry",
    ):
        assert says in problems
    assert len(page_headings((Stray(),))) == 2
    scripts = tree(tmp_path / "scripts", {"No_such/sick.py": "", "ghost/sick.py": ""})
    assert three_scripts((Stray(),), scripts) == [
        "No-such: no healthy.py",
        "No-such: no fixed.py",
        "ghost: has scripts, but there is no such check",
    ]


def test_every_check_proposes_a_trick_or_says_why_not() -> None:
    from assay.tricks.catalogue import by_name

    for check in registered():
        source = inspect.getsource(sys.modules[type(check).__module__])
        assert ("tricks=" in source) != bool(check.by_hand), f"{check.name}: see `by_hand` of Check"
        for name in re.findall(r'Remedy\("([a-z0-9-]+)"', source):
            assert by_name(name), check.name
