"""Does `assay fix` cure sick scripts as well as a mend by hand does?

    PYTHONPATH=src python benchmarks/remedies.py --out remedies.jsonl [NAME ...]
    PYTHONPATH=src python benchmarks/remedies.py --out remedies.jsonl --healthy
    PYTHONPATH=src python benchmarks/remedies.py --out remedies.jsonl --table

For each pair of `sick.py` and `fixed.py`, in tests/checks and in benchmarks/remedies: `assay fix`
on the sick one, then `fixed.py` on the same seeds. A script counts as cured if a remedy is proved
and recommended, and its final metric is within 10 % of `fixed.py`'s; and its cause as named if the
true one (`CAUSES`; of a check's script, the check) stands first after `fix`. The metric is that of
trials: held-out loss if both scripts evaluate, else the training loss over the last tenth of the
steps; the mean over the seeds of the verdict. Near 0, where 10 % is nothing, 1 % of the loss that
`fixed.py` begins with is allowed instead.

Where `fix` falls short, the remedy that a person would name (`BY_HAND`) is run as well: if that one
does not bring the metric there either, no trick of ours can cure the script, and it is told apart.
So is a script whose fault does no harm: its own metric is within 10 % already.

With `--healthy`: `assay fix` on every healthy script, which must propose nothing; and, on some of
them, forced comparisons with tricks that cure faults which the script does not have. Each line of
the output is one script; what is there is not run again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from assay.cli import trying
from assay.cli.fix import find_cure, fix_parser
from assay.cli.try_ import main as try_main
from assay.cli.trying import SEEDS
from assay.testing import WarmRunner
from assay.trials.metric import HELD_OUT, TRAINING
from assay.trials.plan import CONTROL, Job, candidate_of
from assay.trials.result import Result
from assay.trials.runner import Runner
from assay.trials.store import Store
from assay.trials.trial import Trial
from assay.trials.verdict import Verdict
from assay.tricks.reading import read_all

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests"
WITHIN = 0.10
FLOOR = 0.01
"""Of the loss that the mended script begins with."""
BY_HAND = {
    "checks/data_not_shuffled": "shuffle",
    "checks/dead_units": "init=he",
    "checks/eval_mode_in_training": "train-mode",
    "checks/exploding_gradient": "clip-norm=1.0",
    "checks/input_not_finite": "skip-non-finite",
    "checks/input_not_normalised": "normalise-input",
    "checks/learning_rate_too_high": "lr=0.1",
    "checks/learning_rate_too_low": "lr=0.1",
    "checks/loss_not_finite": "skip-non-finite",
    "checks/loss_shape_broadcast": "match-target-shape",
    "checks/parameters_outside_optimizer": "add-parameters",
    "checks/saturated_activation": "init=xavier",
    "checks/softmax_before_cross_entropy": "logits",
    "checks/symmetric_initialisation": "init=he",
    "checks/vanishing_gradient": "activation=relu+init=he+lr=0.02",
    "checks/zero_grad_missing": "zero-grad",
    "others/deep_net_badly_initialised": "init=he",
    "others/exploding_lstm": "clip-norm=0.5",
    "others/forgotten_head": "add-parameters",
    "others/gradients_never_cleared": "zero-grad",
    "others/half_precision_without_scaler": "amp=fp16",
    "others/overfitting": "early-stop=3",
    "others/rate_a_little_too_high": "lr=0.05",
    "others/rate_too_low": "lr=0.003",
    "others/raw_pixels": "normalise-input",
    "others/softmax_twice": "logits",
    "others/squeezed_targets": "match-target-shape",
    "others/transformer_without_warmup": "warmup=100",
    "checks/betas_extreme": "betas=0.9,beta2=0.999",
    "checks/class_imbalance": "balance-classes",
    "checks/clipping_scaled_gradients": "use-scaler",
    "checks/eps_below_precision": "eps=0.0001",
    "checks/fp16_underflow": "amp=fp16",
    "checks/half_without_scaler": "amp=fp16",
    "checks/initial_scale": "init=he",
    "checks/l2_with_adaptive": "weight-decay=0.02",
    "checks/learning_rate_of_checkpoint": "lr=0.0002",
    "checks/scaler_bypassed": "use-scaler",
    "checks/sigmoid_before_bce_with_logits": "logits",
    "checks/weights_not_finite": "skip-non-finite",
    "others/betas_swapped": "betas=0.9,beta2=0.999",
    "others/scaler_forgotten_at_step": "use-scaler",
    "others/decay_of_one": "weight-decay=0.01",
    "others/dropout_of_nine_tenths": "dropout=0.1",
    "others/mode_beside_rate": "train-mode",
    "others/recurrent_weights_too_large": "init=orthogonal",
    "others/mode_and_rate": "train-mode+lr=0.1",
    "others/scaler_and_rate": "use-scaler+lr=0.05",
    "others/softmax_and_no_clearing": "logits+zero-grad",
    "others/unbalanced_classes": "balance-classes",
    "others/validation_leaves_eval": "train-mode",
}
"""The tricks that do what `fixed.py` does; nothing where no trick does."""
CAUSES = {
    "others/betas_swapped": "betas-extreme",
    "others/decay_every_batch": "scheduler-unit-mismatch",
    "others/decay_of_one": "weight-decay-too-strong",
    "others/deep_net_badly_initialised": "initial-scale",
    "others/dropout_of_nine_tenths": "dropout-too-high",
    "others/exploding_lstm": "exploding-gradient",
    "others/forgotten_head": "parameters-outside-optimizer",
    "others/gradients_never_cleared": "zero-grad-missing",
    "others/half_precision_without_scaler": "fp16-underflow",
    "others/mode_beside_rate": "eval-mode-in-training",
    "others/overfitting": "overfitting",
    "others/rate_a_little_too_high": "learning-rate-too-high",
    "others/rate_too_low": "learning-rate-too-low",
    "others/raw_pixels": "input-not-normalised",
    "others/recurrent_weights_too_large": "exploding-gradient",
    "others/scaler_forgotten_at_step": "scaler-bypassed",
    "others/softmax_twice": "softmax-before-cross-entropy",
    "others/squeezed_targets": "loss-shape-broadcast",
    "others/transformer_without_warmup": "learning-rate-too-high",
    "others/mode_and_rate": "eval-mode-in-training",
    "others/scaler_and_rate": "scaler-bypassed",
    "others/softmax_and_no_clearing": "softmax-before-cross-entropy",
    "others/unbalanced_classes": "class-imbalance",
    "others/validation_leaves_eval": "eval-mode-in-training",
}
"""The fault that each script was written with."""
HARMLESS = ("seed=4321", "zero-grad", "skip-non-finite")
"""Tricks that change nothing but chance, or nothing at all, in a healthy script."""
STEPS = "120"
"""Of forced comparisons: whether there is an effect does not hang on the length."""


def pairs() -> Iterator[tuple[str, Path]]:
    """Name and folder of every pair of scripts."""
    for base, name in ((TESTS / "checks", "checks"), (HERE / "remedies", "others")):
        for sick in sorted(base.glob("*/sick.py")):
            yield f"{name}/{sick.parent.name}", sick.parent


def healthy() -> Iterator[tuple[str, Path]]:
    """Name and path of every healthy script."""
    for path in sorted(TESTS.glob("checks/*/healthy.py")):
        yield f"{path.parent.name}/healthy", path
    for path in sorted(TESTS.glob("healthy/*.py")):
        yield f"healthy/{path.stem}", path


def examine(name: str, folder: Path, base: Path, given: argparse.Namespace) -> dict[str, Any]:
    """`fix` on the sick script, and the mended one on the same seeds."""
    began = time.monotonic()
    trial, sick = cure(folder / "sick.py", base, given)
    mended = runs_of(folder / "fixed.py", base, given, "")
    best = trial.verdicts[0] if trial.verdicts else None
    line: dict[str, Any] = {
        "kind": "sick",
        "name": name,
        "found": [f.check for f in trial.diagnosis.causes] if trial.diagnosis else [],
        "sick": sick,
        "cause": CAUSES.get(name, folder.name.replace("_", "-")),
        "named": named_first(trial),
        "settled": trial.settled is not None,
        "trouble": trial.trouble or trial.interrupted,
        "verdicts": [verdict_line(v) for v in trial.verdicts],
        "runs": trial.runs + trial.resumed,
        "seconds": round(trial.run_seconds, 1),
    }
    if best is not None and best.outcome == "proved":
        treated = trial.results[best.candidate.name]
        line["remedy"] = best.candidate.name
        line["recommended"] = best.recommended
        line["change"] = trial.change.state if trial.change else None
        line.update(compared({s: treated[s] for s in best.seeds}, trial.control, mended))
    if not line.get("within") or not line.get("recommended"):
        by_hand = BY_HAND.get(name, "")
        line["by_hand"] = by_hand or None
        if by_hand:
            treated = runs_of(folder / "sick.py", base, given, by_hand)
            refused = [r.why for r in treated.values() if r.state == "refused"]
            line["hand"] = {"why": refused[0]} if refused else compared(
                treated, trial.control, mended
            )  # fmt: skip
    line["wall"] = round(time.monotonic() - began, 1)
    return line


def named_first(trial: Trial) -> str:
    """The finding that leads the report after `fix`."""
    if trial.settled is not None:
        return trial.settled.causes[0]
    return trial.diagnosis.findings[0].check if trial.diagnosis and trial.diagnosis.findings else ""


def cure(script: Path, base: Path, given: argparse.Namespace) -> tuple[Trial, bool]:
    """What `assay fix SCRIPT` does; its report goes to standard error."""
    seeds = ["--seeds", str(given.seeds)] if given.seeds else []
    options = fix_parser().parse_args(
        [*seeds, "--minutes", str(given.minutes), "--jobs", str(given.jobs)]
    )
    with contextlib.redirect_stdout(sys.stderr):
        return find_cure(options, [str(script)], base)


def runs_of(script: Path, base: Path, given: argparse.Namespace, tricks: str) -> dict[int, Result]:
    """Runs of a script on one seed more than a verdict rests on, as a trial makes them."""
    store = Store(base)
    command = trying.Command((str(script),), None, None)
    runner = Runner(command, store, store.new_trial(script.parent.name), given.jobs)
    candidate = candidate_of(read_all([tricks])) if tricks else CONTROL
    runner.run([Job(candidate, seed) for seed in range((given.seeds or SEEDS) + 1)])
    return {job.seed: result for job, result in runner.results.items()}


def compared(
    treated: dict[int, Result], control: dict[int, Result], mended: dict[int, Result]
) -> dict[str, Any]:
    """The final metric of remedied and mended runs on the seeds that both have."""
    seeds = sorted(treated.keys() & mended.keys())
    metric = next(
        (
            kind
            for kind in (HELD_OUT, TRAINING)
            if seeds and all(kind in r[s].measured.values for r in (treated, mended) for s in seeds)
        ),
        TRAINING,
    )

    def mean(runs: dict[int, Result]) -> float:
        known = [runs[s].measured.values.get(metric, math.nan) for s in seeds if s in runs]
        return fmean(known) if known else math.nan

    starts = [mended[s].measured.curves[TRAINING][0][1] for s in seeds]
    fixed, remedied = mean(mended), mean(treated)
    allowed = max(WITHIN * abs(fixed), FLOOR * abs(fmean(starts)))
    return {
        "metric": metric,
        "seeds": seeds,
        "control": number(mean(control)),
        "remedied": number(remedied),
        "fixed": number(fixed),
        "start": number(fmean(starts)),
        "within": remedied <= fixed + allowed,
    }


def unharmed(line: dict[str, Any]) -> bool:
    """Whether the sick script itself ends within 10 % of the mended one."""
    control, fixed = (float(line.get(key, "nan")) for key in ("control", "fixed"))
    return control <= fixed + WITHIN * abs(fixed)


def number(value: float) -> float | str:
    """What JSON can hold."""
    return value if math.isfinite(value) else str(value)


def verdict_line(verdict: Verdict) -> dict[str, Any]:
    """The verdict in short."""
    known = verdict.as_dict()
    keys = ("candidate", "for", "verdict", "why", "metric", "effect", "interval", "findings")
    return {**{key: known[key] for key in keys}, "standing": list(verdict.reverse.standing)}


def examine_healthy(name: str, script: Path, base: Path, given: argparse.Namespace) -> Any:
    """What `fix` makes of a script that has nothing wrong with it."""
    trial, sick = cure(script, base, given)
    return {
        "kind": "healthy",
        "name": name,
        "sick": sick,
        "trouble": trial.trouble or trial.interrupted,
        "verdicts": [verdict_line(v) for v in trial.verdicts],
        "seconds": round(trial.run_seconds, 1),
    }


def force(name: str, script: Path, base: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Compares a healthy script with itself under tricks that it has no need of."""
    os.environ["ASSAY_RUN_DIR"] = str(base.parent / "runs")
    tricks = [word for trick in HARMLESS for word in ("--with", trick)]
    options = [
        "--seeds",
        str(given.seeds or SEEDS),
        "--minutes",
        str(given.minutes),
        "--steps",
        STEPS,
    ]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        path = Path(folder) / "verdicts.json"
        try_main(
            [*tricks, "--placebo", *options, "--jobs", str(given.jobs), "--json", str(path),
             str(script)]
        )  # fmt: skip
        found = json.loads(path.read_text(encoding="utf-8"))
    keys = ("candidate", "verdict", "why", "effect", "interval")
    verdicts = [{key: verdict[key] for key in keys} for verdict in found["verdicts"]]
    return {"kind": "forced", "name": name, "verdicts": verdicts, "trial": found["trial"]["cost"]}


def table(lines: Sequence[dict[str, Any]]) -> None:
    """Prints markdown."""
    sick = [line for line in lines if line["kind"] == "sick"]
    print(
        "| script | named first | remedy | sick | remedied | fixed.py | within 10 % | diff | runs |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    curable = cured = strictly = both = named = standing = 0
    for line in sick:
        good = bool(line.get("within") and line.get("recommended"))
        remedy = line.get("remedy", "")
        harmless = not remedy and unharmed(line.get("hand", {}))
        can = good or (bool(line.get("hand", {}).get("within")) and not harmless)
        curable, cured = curable + can, cured + good
        right = line["named"] == line["cause"]
        named, both = named + right, both + (good and right)
        standing += bool(line.get("recommended")) and line["verdicts"][0]["standing"] != []
        strict = float(line.get("remedied", "nan")) <= (1 + WITHIN) * float(line.get("fixed", 0))
        strictly += good and strict
        said = f"`{remedy}`" if remedy else "none proved"
        if remedy and not line.get("recommended"):
            said += " (not recommended)"
        shown = line if remedy else line.get("hand", {})
        cells = [short(shown.get(key)) for key in ("control", "remedied", "fixed")]
        if not remedy:
            cells[1] = f"(by hand {cells[1]})" if cells[1] else ""
        verdict = "**yes**" if good else "no" if can else "does no harm" if harmless else (
            "no trick does"
        )  # fmt: skip
        first = line["named"] if right else f"{line['named']} (it is {line['cause']})"
        print(
            f"| {line['name']} | {first} | "
            f"{said} | {' | '.join(cells)} | "
            f"{verdict} | {line.get('change') or ''} | {line['runs']} |"
        )
    print(
        f"\nCured: {cured} of {curable} that a trick can cure, of {len(sick)} sick scripts; ",
        end="",
    )
    print(f"within 10 % without the allowance near 0: {strictly}.")
    print(f"The true cause stands first after `fix`: {named} of {len(sick)}, {both} of the cured;")
    print(f"recommended remedies that leave an error or a broken invariant: {standing}.")
    well = [line for line in lines if line["kind"] == "healthy"]
    proved = [line for line in well if any(v["verdict"] == "proved" for v in line["verdicts"])]
    asked = [line for line in well if line["sick"]]
    print(f"\n`assay fix` on healthy scripts: {len(well)}; found something: {len(asked)}; ", end="")
    print(f"proved something: {len(proved)} {[line['name'] for line in proved] or ''}")
    forced = [v | {"of": line["name"]} for line in lines if line["kind"] == "forced"
              for v in line["verdicts"]]  # fmt: skip
    for name in ("placebo", *HARMLESS):
        own = [v for v in forced if v["candidate"].partition("=")[0] == name.partition("=")[0]]
        counts = {o: sum(v["verdict"] == o for v in own)
                  for o in ("proved", "no effect", "harmful", "undecided")}  # fmt: skip
        print(f"- `{name}`: {len(own)} comparisons: {counts}")


def short(value: Any) -> str:
    """Three digits."""
    return "" if value is None else f"{float(value):.3g}"


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("names", nargs="*", help="only scripts whose name contains one of these, in this order")
    add("--out", type=Path, required=True, help="JSONL, appended to")
    add("--work", type=Path, help="folder of the trials; a temporary one if not given")
    add("--seeds", type=int, help="exactly so many; as many as decide if not given")
    add("--warm", action="store_true", help="runs in forks of a process that has imported torch")
    add("--minutes", type=float, default=15.0)
    add("--jobs", type=int, default=1)
    add("--healthy", action="store_true", help="the healthy scripts, by `fix`")
    add("--forced", type=int, default=0, help="forced comparisons on so many healthy scripts")
    add("--again", action="store_true", help="run again what is there")
    add("--table", action="store_true", help="print what is there")
    given = parser.parse_args()
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    if given.out.exists():
        for text in given.out.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            latest[line["kind"], line["name"]] = line
    if given.table:
        table([latest[key] for key in sorted(latest)])
        return
    work = (given.work or Path(tempfile.mkdtemp())).absolute()
    work.mkdir(parents=True, exist_ok=True)
    todo: list[tuple[str, str, Any, Path]] = []
    if given.healthy:
        todo += [("healthy", name, examine_healthy, path) for name, path in healthy()]
    elif given.forced:
        todo += [("forced", name, force, path) for name, path in healthy()][: given.forced]
    else:
        todo += [("sick", name, examine, folder) for name, folder in pairs()]
    out = given.out.absolute()
    os.chdir(work)
    with contextlib.ExitStack() as stack:
        if given.warm:
            spawn = stack.enter_context(WarmRunner()).spawn
            trying.Command = partial(trying.Command, spawn=spawn)  # type: ignore[misc, assignment]
        examine_all(todo, latest, out, work, given)


def examine_all(
    todo: Sequence[tuple[str, str, Any, Path]],
    latest: dict[tuple[str, str], dict[str, Any]],
    out: Path,
    work: Path,
    given: argparse.Namespace,
) -> None:
    """Examines each script that was asked for, as they were named, and writes a line of each."""
    if given.names:
        todo = [one for part in given.names for one in todo if part in one[1]]
        todo = list(dict.fromkeys(todo))
    for kind, name, do, path in todo:
        if (kind, name) in latest and not given.again:
            continue
        line = do(name, path, work / "trials", given)
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        print(f"{name}: {line.get('remedy') or line.get('trouble') or 'nothing proved'} "
              f"{line.get('within', '')}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
