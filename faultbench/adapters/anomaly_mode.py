"""torch.autograd.set_detect_anomaly: stops at the first nan that a backward function returns."""

from __future__ import annotations

import re
from pathlib import Path

from .base import Adapter, Said


class AnomalyMode(Adapter):
    """One line at the top; a nan gradient raises, with the traceback of the forward call."""

    name = "anomaly-mode"
    licence = "BSD-3-Clause (part of torch)"
    changed_lines = 1
    setup = "`torch.autograd.set_detect_anomaly(True)` before the script's first line"
    rules = (
        (r"Function '\w+' returned nan values", "loss-not-finite weights-not-finite"),
        (r"Function '(Log|Sqrt|Pow|Div|Acos|Asin|Norm|Rsqrt)\w*' returned nan",
         "loss-outside-domain norm-eps-suspicious log-or-exp-in-half"),
        (r"modified by an inplace operation", "data-changed-in-place"),
    )  # fmt: skip

    def begin(self) -> None:
        """Turns it on."""
        import torch

        torch.autograd.set_detect_anomaly(True)

    def read(self, out: Path) -> list[Said]:
        """Returns the error with which it ended the script, and the line of the forward call."""
        path = out / "stderr.txt"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        found = re.search(r"RuntimeError: (Function '\w+' returned nan values.*)", text)
        if not found:
            return []
        lines = re.findall(
            r'File "[^"]*script\.py", line (\d+)', text.partition("Error detected")[2]
        )
        line = int(lines[-1]) if lines and "Error detected" in text else None
        forward = re.search(r"Error detected in .*?(?=\n\s*\(Triggered|\Z)", text, re.DOTALL)
        if forward:
            own = re.findall(r'File "[^"]*script\.py", line (\d+)', forward[0])
            line = int(own[-1]) if own else line
        return [Said("error", found[1], line, self.faults_in(found[1]))]
