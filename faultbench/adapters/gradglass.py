"""gradglass: recorded runs and some sixty tests after the run."""

from __future__ import annotations

import json
import os
from typing import Any

from .base import Adapter, Step

EVERY = 10
LEVELS = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "note"}
ABOUT_RECORDS = (
    "LOGGED STORE METADATA CHECKPOINT ARTIFACT ENV_CAPTURED GIT DUPLICATE SUMMARY_PRESENT "
    "DATA_HASH_STABILITY WEIGHT_DIFF_COMPUTED SLICE_COVERAGE"
).split()
"""Tests of what was logged, not of the training: notes, whatever they say, in the tool's favour."""


class Gradglass(Adapter):
    """The quickstart: `gg.run`, `watch`, `log`, `log_batch`, `analyze`, `finish`."""

    name = "gradglass"
    package = "gradglass"
    requirements = ("gradglass==1.0.0",)
    licence = "Apache-2.0"
    changed_lines = 10
    setup = (
        "the quickstart's lines: `gg.run`, `checkpoint_every(10)`, `watch(..., every=10)` after the "
        "optimizer is made, `run.log(loss=..., val_loss=...)` after each step, `log_batch` each tenth, "
        "`analyze` and `finish` at the end"
    )
    rules = (
        (r"LOSS_FINITE", "loss-not-finite"),
        (r"GRAD_NAN_INF", "loss-not-finite weights-not-finite"),
        (r"ACT_NAN_INF|PRED_FINITE", "loss-not-finite weights-not-finite input-not-finite"),
        (r"PARAM_INIT_SANITY", "initial-scale symmetric-initialisation weights-not-finite"),
        (r"WEIGHT_NORM_DISTRIBUTION", "initial-scale"),
        (r"LOSS_MONOTONIC|EPOCH_LOSS_IMPROVEMENT", "loss-not-decreasing"),
        (r"LOSS_SPIKE", "loss-spike"),
        (r"OVERFITTING|VAL_LOSS_DIVERGENCE", "overfitting"),
        (r"TRAIN_VAL_GAP", "overfitting train-eval-gap eval-preprocessed-differently"),
        (r"GRAD_VANISHING", "vanishing-gradient"),
        (r"GRAD_EXPLODING", "exploding-gradient learning-rate-too-high"),
        (r"GRAD_LAYER_IMBALANCE", "vanishing-gradient exploding-gradient initial-scale"),
        (r"DEAD_NEURON|DEAD_CHANNEL|ACT_SPARSITY", "dead-units"),
        (r"SATURATION", "saturated-activation"),
        (r"REPRESENTATION_COLLAPSE|LAYER_CAPACITY|CONFIDENCE",
         "output-collapsed symmetric-initialisation"),
        (r"UNCHANGED_LAYER|TRAINABLE_FROZEN|FREEZE_RECOMMENDATION",
         "frozen-by-accident parameters-outside-optimizer parameters-without-gradient "
         "stale-parameters updates-lost"),
        (r"EXCESSIVE_UPDATE_RATIO", "learning-rate-too-high"),
        (r"GRAD_CLIP", "clipping-always clipping-after-step"),
        (r"CLASS_IMBALANCE", "class-imbalance"),
        (r"SEED|DETERMINISM", "unseeded"),
        (r"WEIGHT_DIFF_SEVERITY|TOP_CHANGED_LAYERS", "learning-rate-too-high"),
    )  # fmt: skip
    run: Any = None

    def attach(self, model: Any, optimizer: Any) -> None:
        """Begins a run."""
        os.environ["GRADGLASS_ROOT"] = str(self.out / "gg")
        from gradglass import gg

        gg.configure(root=str(self.out / "gg"))
        self.run = gg.run(name="run", task="classification")
        self.run.checkpoint_every(10)
        self.run.watch(
            model, optimizer=optimizer, activations="auto", gradients="summary", saliency="auto",
            every=EVERY, probe_examples=16,
        )  # fmt: skip

    def after_step(self, step: Step) -> None:
        """Logs a step, and each tenth batch."""
        held_out = {} if step.held_out is None else {"val_loss": step.held_out}
        self.run.log(loss=step.loss, **held_out)
        whole = hasattr(step.inputs, "shape") and hasattr(step.outputs, "detach")
        if (step.number + 1) % EVERY == 0 and whole and hasattr(step.targets, "shape"):
            self.run.log_batch(
                x=step.inputs, y=step.targets, y_pred=step.outputs.detach(), loss=step.loss
            )

    def finish(self, error: BaseException | None) -> None:
        """Asks for the analysis; failed tests and warnings are statements."""
        if self.run is None:
            return
        import gradglass.analysis.builtins  # noqa: F401  without it `analyze` runs 0 tests

        report = self.run.analyze(print_summary=True)
        self.run.finish(open=False, analyze=False)
        for test in report.tests["results"]:
            if test["status"] not in ("warn", "fail"):
                continue
            level = LEVELS[test["severity"]]
            if test["status"] == "warn" and level == "error":
                level = "warning"
            if any(word in test["id"] for word in ABOUT_RECORDS):
                level = "note"
            details = json.dumps(test["details"], default=str)[:300]
            self.say(level, f"{test['id']} ({test['status']}): {test['title']}? {details}")
