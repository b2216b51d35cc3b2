"""Begin a new check: its file, its three scripts, its unit test, its page, its changelog fragment.

    python tools/add_check.py restart-without-warmup --family schedule --severity error

What is written runs, and fails its tests until you have written the rest: search for WRITE.
"""

from __future__ import annotations

import argparse
import sys

from scaffold import Name, Scaffold, ScaffoldError, make_docs, package_init, run


def main(given: argparse.Namespace) -> None:
    """Writes the files of one check."""
    from assay.checks.registry import CHECKS, FAMILIES

    name = Name(given.name)
    if name.kebab in {check.name for check in CHECKS}:
        raise ScaffoldError(f"a check called {name.kebab} exists")
    if given.family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ScaffoldError(f"no family is called {given.family!r}; there are {known}")
    if given.severity == "error" and given.tier == "heuristic":
        raise ScaffoldError("a heuristic can't be an error: it is a warning or a note")
    preview = given.tier == "heuristic" and not given.stable
    values = {
        "name": name,
        "family": given.family,
        "severity": given.severity,
        "tier": given.tier,
        "preview": preview,
    }
    scaffold = Scaffold(given.root)
    folder = f"src/assay/checks/{given.family}"
    package_init(scaffold, folder, f"Checks of the family {given.family}.")
    scaffold.add(f"{folder}/{name.snake}.py", "check.py.jinja", values)
    scripts = f"tests/checks/{name.snake}"
    for kind in ("sick", "healthy", "fixed"):
        scaffold.add(f"{scripts}/{kind}.py", "script.py.jinja", {**values, "kind": kind})
    scaffold.add(f"{scripts}/test_{name.snake}.py", "test_check.py.jinja", values)
    scaffold.add(f"changelog/{name.kebab}.added.md", "fragment.md.jinja", values)
    scaffold.write()
    make_docs(given.root)
    print(f"next: search for WRITE in these files, then pytest -k {name.snake}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", help="the illness in kebab-case: 'assay found NAME'")
    parser.add_argument("--family", required=True, help="data, model, loss, gradient, ...")
    parser.add_argument("--tier", choices=("exact", "probe", "heuristic"), default="exact")
    parser.add_argument("--severity", choices=("error", "warning", "note"), default="warning")
    parser.add_argument(
        "--stable", action="store_true", help="a heuristic that is calibrated already: no preview"
    )
    sys.exit(run(main, __doc__.partition("\n")[0], parser))
