"""What tools that read logs are given: the metrics that their documentation asks for, as CSV."""

from __future__ import annotations

import csv
import subprocess
import sys
from typing import Any

from .base import Adapter, Step

COLUMNS = ("step", "train/loss", "eval/loss", "lr", "grad_norm")


class Logged(Adapter):
    """Logs each step, then asks the tool's command line about the file."""

    def attach(self, model: Any, optimizer: Any) -> None:
        """Begins the log."""
        self.file = (self.out / "metrics.csv").open("w", newline="", encoding="utf-8")
        self.writer = csv.writer(self.file)
        self.writer.writerow(COLUMNS)

    def before_step(self, step: Step) -> None:
        """Logs a step."""
        held_out = "" if step.held_out is None else step.held_out
        row = (step.number, step.loss, held_out, step.rate, step.gradient_norm())
        self.writer.writerow(row)

    def asked(self, *words: str) -> str:
        """Closes the log and returns what the tool's command prints about it.

        Raises:
            RuntimeError: The command failed, and its last words.
        """
        self.file.close()
        ran = subprocess.run(
            [sys.executable, "-m", *words], capture_output=True, text=True, timeout=120
        )
        if ran.returncode not in (0, 1) or not ran.stdout.strip():
            raise RuntimeError(ran.stderr.strip()[-400:])
        return ran.stdout
