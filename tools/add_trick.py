"""Begin a new trick: its file, its place in the catalogue, its comparison by hand, its pages.

    python tools/add_trick.py centralise-gradients --family gradients --after skip-non-finite

What is written runs, and fails its tests until you have written the rest: search for WRITE.
"""

from __future__ import annotations

import argparse
import sys

from scaffold import Name, Scaffold, ScaffoldError, make_docs, run, sort_imports


def main(given: argparse.Namespace) -> None:
    """Writes the files and rows of one trick."""
    from assay.tricks.catalogue import TRICKS

    name = Name(given.name)
    known = {trick.name: trick for trick in TRICKS}
    families = sorted({trick.family for trick in TRICKS})
    if name.kebab in known:
        raise ScaffoldError(f"a trick called {name.kebab} exists")
    if given.family not in families:
        raise ScaffoldError(
            f"no family is called {given.family!r}; there are {', '.join(families)}"
        )
    if given.after not in known:
        raise ScaffoldError(f"--after: no trick is called {given.after!r}; see `assay tricks`")
    values = {"name": name, "family": given.family}
    scaffold = Scaffold(given.root)
    scaffold.add(f"src/assay/tricks/{given.family}/{name.snake}.py", "trick.py.jinja", values)
    catalogue = "src/assay/tricks/catalogue.py"
    imported = f"from .{given.family}.{name.snake} import {name.camel}\n"
    scaffold.insert(catalogue, r"^from \.averaging\.ema import", imported)
    before = known[given.after].__name__
    scaffold.insert(catalogue, rf"^    {before},\n", f"    {name.camel},\n", after=True)
    test = f"tests/tricks/{given.family}/test_{name.snake}.py"
    scaffold.add(test, "test_trick.py.jinja", values)
    by_hand = "benchmarks/tricks_by_hand.py"
    function = (
        f"def {name.snake}(loop: Loop) -> None:\n"
        '    raise NotImplementedError("WRITE: as a person writes it into the loop")\n\n\n'
    )
    scaffold.insert(by_hand, r"^@dataclass[^\n]*\nclass Row:", function)
    row = f'    Row("{name.kebab}", {{"before": {name.snake}}}),\n'
    scaffold.insert(by_hand, r'^    Row\("swa=0"', row)
    scaffold.add(f"changelog/{name.kebab}.added.md", "fragment.md.jinja", values)
    scaffold.write()
    sort_imports(given.root, catalogue)
    make_docs(given.root)
    print(
        f"next: search for WRITE in these files, then pytest {test} and tests/tricks/test_suite.py"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help="what it does, in kebab-case, as `--with` takes it")
    parser.add_argument("--family", required=True, help="data, model, gradients, optimizer, ...")
    parser.add_argument(
        "--after", required=True, metavar="TRICK", help="the trick that acts right before it"
    )
    sys.exit(run(main, __doc__.partition("\n")[0], parser))
