"""TrainCheck: invariants learnt from a right run, checked in another one.

    python -m faultbench.adapters.traincheck SCRIPT OUT

runs its four documented steps: collect a reference trace, infer invariants, collect the target's
trace, check. It needs a known-good reference: a faulty script gets its own mended twin, a right one
itself, which is the best that anyone could give. The reference run is short, as its documentation
asks: it ends after `REFERENCE_STEPS` optimizer steps.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from .base import Adapter, Said

REFERENCE_STEPS = 12
CUT = (
    "import torch.optim.optimizer as _o; _n = [0]; "
    "_o.register_optimizer_step_post_hook(lambda *a: (_n.__setitem__(0, _n[0] + 1), "
    f"_n[0] >= {REFERENCE_STEPS} and (_ for _ in ()).throw(SystemExit(0))))\n"
)
SHOWN = 60


class Traincheck(Adapter):
    """A reference run, and the invariants that the script breaks."""

    name = "traincheck"
    package = "traincheck"
    requirements = ("traincheck==0.2.0",)
    licence = "Apache-2.0"
    changed_lines = 0
    setup = (
        f"its four commands; the reference is the mended twin (a right script: itself), {REFERENCE_STEPS} "
        "steps of it; the model's variable is the one whose parameters the optimizer gets. No line to "
        "change, but a right run of the same script must exist"
    )
    wants_reference = True
    limit_s = 420.0
    rules = (
        (r"zero_grad", "zero-grad-missing gradient-discarded"),
        (r"clip_grad", "clipping-after-step clipping-always clipping-scaled-gradients exploding-gradient"),
        (r"GradScaler|unscale", "scaler-bypassed scaler-misused half-without-scaler fp16-underflow"),
        (r"autocast|half|float16", "half-without-scaler fp16-overflow log-or-exp-in-half input-wrong-dtype"),
        (r"lr_scheduler|LRScheduler|\w+LR\.", "scheduler-never-stepped scheduler-before-optimizer "
            "scheduler-unit-mismatch rate-decays-too-early warmup-missing plateau-mode-wrong"),
        (r"\.train\(\)|\.eval\(\)|training", "eval-mode-in-training train-mode-in-evaluation"),
        (r"softmax", "softmax-before-cross-entropy softmax-over-wrong-dimension final-activation-mismatch "
            "attention-unscaled single-logit-softmax"),
        (r"sigmoid", "sigmoid-before-bce-with-logits final-activation-mismatch"),
        (r"nll_loss|kl_div|cross_entropy|mse_loss|bce", "probabilities-in-nll probabilities-in-kl-div "
            "loss-shape-broadcast"),
        (r"requires_grad|detach", "frozen-by-accident loss-detached"),
        (r"\.step\(\) always", "step-missing"),
        (r"Parameter.*(chang|updat)|data of .* chang|grad of", "updates-lost parameters-outside-optimizer "
            "stale-parameters frozen-by-accident parameters-without-gradient"),
        (r"randperm|Sampler|RandomSampler", "data-not-shuffled same-order-every-epoch sampler-skips-data"),
        (r"manual_seed", "unseeded"),
        (r"no_grad", "eval-builds-graph"),
        (r"init\.\w+_", "initial-scale symmetric-initialisation"),
    )  # fmt: skip

    def command(self, python: str, script: Path, out: Path) -> list[str]:
        """Returns the command that runs its four steps."""
        return [python, "-m", "faultbench.adapters.traincheck", str(script), str(out)]

    def summary(self, out: Path) -> Path | None:
        """Returns the file of violations, if it got so far."""
        return next(iter(out.glob("check/*/violations_summary.json")), None)

    def trouble(self, out: Path) -> str:
        """Returns the step that failed."""
        if self.summary(out):
            return ""
        return "did not get as far as its last step (see its output)"

    def read(self, out: Path) -> list[Said]:
        """Returns the violated invariants in its own words and order."""
        path = self.summary(out)
        if path is None:
            return []
        violations = json.loads(path.read_text(encoding="utf-8"))["violations"]
        return [
            Said("warning", v["display_name"], faults=self.faults_in(v["display_name"]))
            for v in violations[:SHOWN]
        ]


def main() -> None:
    """Runs the four steps."""
    script, out = Path(sys.argv[1]), Path(sys.argv[2])
    reference = out / "known_good.py"
    reference.write_text(CUT + (out / "reference.py").read_text(encoding="utf-8"), encoding="utf-8")
    source = script.read_text(encoding="utf-8")
    model = re.search(r"(\w+)\.parameters\(\)", source)
    track = ["--models-to-track", model[1]] if model and model[1] != "self" else []
    folder = Path(sys.executable).parent

    def step(*words: str) -> None:
        print("$", *words, flush=True)
        subprocess.run([str(folder / words[0]), *words[1:]], check=True, cwd=out)

    step(
        "traincheck-collect",
        "--pyscript",
        str(reference),
        *track,
        "--output-dir",
        "reference_trace",
    )
    step("traincheck-infer", "-f", "reference_trace", "-o", "invariants.json")
    target = ["traincheck-collect", "--pyscript", str(script), "--invariants", "invariants.json"]
    try:
        step(*target, "--output-dir", "target_trace", *track)
    except subprocess.CalledProcessError:  # it does not find every script's optimizer
        step(*target, "--output-dir", "target_trace")
    step("traincheck-check", "-f", "target_trace", "-i", "invariants.json", "-o", "check")


if __name__ == "__main__":
    main()
