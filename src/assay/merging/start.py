"""Run as a script by the interpreter that has torch: loads this package there, and serves.

That interpreter may be another than the parent's, with no assay of its own and a package of the
user's by that name; so it is loaded from where it lies, under a name of its own.
"""

import importlib
import importlib.util
import os
import sys


def main() -> None:
    """Serves until standard input ends."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    package = os.path.dirname(here)
    spec = importlib.util.spec_from_file_location(
        "_assay", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["_assay"] = module
    spec.loader.exec_module(module)
    importlib.import_module("_assay.merging.serve").serve()


if __name__ == "__main__":
    main()
