"""Runs experiments in a process of their own: `python -m assay.handbook NAME...`.

One line of JSON for each, as soon as it is done: its name, numbers and curves.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import asdict

import torch

from .catalogue import experiment


def main(names: list[str]) -> None:
    """Runs experiments one after the other, each from the same seeds and on one thread."""
    torch.set_num_threads(1)
    for name in names:
        torch.manual_seed(0)
        random.seed(0)
        line = {"name": name, **asdict(experiment(name)())}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
