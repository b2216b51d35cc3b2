"""Begin a new probe: its file, the declaration of its signal, its row, and its reference test.

    python tools/add_probe.py gradient-angles --family gradient --signal gradient_angle \
        --unit rad --per parameter

What is written runs, and fails its tests until you have written the rest: search for WRITE. A check
or a page has to read the signal, too: what nobody reads is not recorded.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from scaffold import Name, Scaffold, ScaffoldError, make_docs, run, sort_imports


def main(given: argparse.Namespace) -> None:
    """Writes the files and rows of one probe."""
    from assay.journal.schema import Per
    from assay.journal.signals import SIGNALS

    name = Name(given.name)
    if given.signal in SIGNALS:
        raise ScaffoldError(f"a signal called {given.signal} is declared")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", given.signal):
        raise ScaffoldError(f"a signal's name is words joined by _, received {given.signal!r}")
    per = given.per.upper().replace("-", "_")
    if per not in Per.__members__:
        known = ", ".join(kind.lower() for kind in Per.__members__)
        raise ScaffoldError(f"no kind of place is called {given.per!r}; there are {known}")
    folder = Path(given.root) / "src/assay/probes" / given.family
    if not (folder / "__init__.py").is_file():
        known = ", ".join(sorted(p.parent.name for p in folder.parent.glob("*/__init__.py")))
        raise ScaffoldError(f"no folder of probes is called {given.family!r}; there are {known}")
    title = given.signal.replace("_", " ").capitalize()
    values = {"name": name, "signal": given.signal, "per": per, "dear": given.dear}
    scaffold = Scaffold(given.root)
    scaffold.add(f"src/assay/probes/{given.family}/{name.snake}.py", "probe.py.jinja", values)
    catalogue = "src/assay/probes/catalogue.py"
    scaffold.insert(
        catalogue,
        r"^from \.data\.batches import",
        f"from .{given.family}.{name.snake} import {name.camel}\n",
    )
    scaffold.insert(catalogue, r"^    Setup,$", f"    {name.camel},\n")
    declaration = (
        f'    Signal(\n        "{given.signal}", "{title}", "{given.unit}", Per.{per}, '
        f'"{name.snake}",\n        "WRITE: what a value means, in a sentence",\n'
        '        absent="WRITE: what it means that there is none",\n    ),\n'
    )
    scaffold.insert("src/assay/journal/signals.py", r"^    # -- in trials only", declaration)
    reference = (
        f'@reference("{given.signal}")\ndef {given.signal}(step: Step) -> Values:\n'
        '    raise NotImplementedError("WRITE: the number in plain torch, by place")\n\n\n'
    )
    scaffold.insert("tests/probes/references.py", r"^SECONDS = ", reference)
    scaffold.write()
    sort_imports(given.root, catalogue)
    make_docs(given.root)
    print(f"next: search for WRITE in these files, then pytest tests/probes -k {given.signal}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help="what is observed, in kebab-case")
    parser.add_argument("--family", required=True, help="the folder of src/assay/probes it is in")
    parser.add_argument("--signal", required=True, help="the series that it records")
    parser.add_argument("--unit", default="", help="of the values; empty for a plain number")
    parser.add_argument("--per", default="whole", help="whole, parameter, module, input, ...")
    parser.add_argument("--dear", action="store_true", help="one measurement takes several steps")
    sys.exit(run(main, __doc__.partition("\n")[0], parser))
