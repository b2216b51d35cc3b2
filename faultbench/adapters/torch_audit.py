"""torch-audit: runtime rules over the model, the optimizer, batches, gradients."""

from __future__ import annotations

import json
from typing import Any

from .base import Adapter

EVERY = 10
ABOUT_SPEED = ("TA200", "TA201", "TA202", "TA203")
"""Advice for faster hardware says nothing about the training: notes, in the tool's favour."""
LEVELS = {"FATAL": "error", "ERROR": "error", "WARN": "warning", "INFO": "note"}


class TorchAudit(Adapter):
    """`autopatch`, its zero-touch mode."""

    name = "torch-audit"
    package = "torch-audit"
    requirements = ("torch-audit==0.3.0",)
    licence = "MIT"
    changed_lines = 5
    setup = (
        f"`autopatch(model, optimizer=optimizer, every_n_steps={EVERY})` after the optimizer is "
        "made (the example's 1000 is more steps than most scripts take), `finish()` and `unpatch()` "
        "at the end; two imports"
    )
    rules = (
        (r"TA100", "loss-not-finite weights-not-finite input-not-finite"),
        (r"TA102", "exploding-gradient learning-rate-too-high initial-scale"),
        (r"TA103", "dead-units vanishing-gradient parameters-without-gradient frozen-by-accident "
                   "symmetric-initialisation input-constant input-ignored"),
        (r"TA104", "loss-detached gradient-discarded parameters-without-gradient frozen-by-accident"),
        (r"TA105", "dead-units saturated-activation output-collapsed"),
        (r"TA301", "input-not-normalised eval-preprocessed-differently"),
        (r"TA302", "input-constant rows-identical input-not-finite"),
        (r"TA304", "batchnorm-tiny-batch"),
        (r"TA305", "input-wrong-dtype loss-outside-domain"),
        (r"TA401", "l2-with-adaptive weight-decay-too-strong"),
        (r"TA402|TA403", "weight-decay-on-norms weight-decay-too-strong"),
        (r"TA405", "dead-units"),
        (r"TA500", "parameters-without-gradient input-ignored"),
        (r"TA501", "shared-by-mistake batchnorm-stale-statistics"),
    )  # fmt: skip
    auditor: Any = None

    def attach(self, model: Any, optimizer: Any) -> None:
        """Patches the model and the optimizer."""
        from torch_audit import autopatch
        from torch_audit.reporters.json import JSONReporter

        self.auditor = autopatch(
            model,
            optimizer=optimizer,
            every_n_steps=EVERY,
            reporters=[JSONReporter(dest=str(self.out / "audit.json"))],
            run_static=True,
            run_init=True,
        )

    def finish(self, error: BaseException | None) -> None:
        """Asks for the findings."""
        if self.auditor is None:
            return
        self.auditor.finish(report=True)
        self.auditor.unpatch()
        known = json.loads((self.out / "audit.json").read_text(encoding="utf-8"))
        for found in known["findings"]:
            rule = found["rule_id"]
            title = known["rules"].get(rule, {}).get("title", "")
            place = found.get("module_path") or found.get("entity") or ""
            level = "note" if rule in ABOUT_SPEED else LEVELS[found["severity"]]
            self.say(level, f"{rule} {title}: {found['message']} {place}".strip())
