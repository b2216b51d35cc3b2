"""zero-grad-missing: the digits of `assay demo`, whose second layer dies of it."""

import runpy
from pathlib import Path

import assay.demo

runpy.run_path(str(Path(assay.demo.__file__).parent / "train_digits.py"), run_name="__main__")
