"""The check `runs-differ`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import LOADER, REPEATED, SEED, Repeated
from ...journal.view import RunView, Site
from ..base import Check
from ..finding import Evidence, Finding, Where

ARITHMETIC = ("loss", "gradient", "update", "evaluation")
GENERATORS = {"random": "random.seed(0)", "numpy": "np.random.seed(0)"}


class RunsDiffer(Check):
    """Two runs of the unchanged script part, although torch is seeded.

    ## What it does
    `assay check --twice` runs the script a second time, with the same arguments, and compares the
    two runs step by step: the losses of all steps; weights, batches, targets, gradients and updates
    of sampled ones. Names the first step at which one of these differs, and which.

    ## Why it matters
    Who seeds wants the same run again. While two runs of one script part, no comparison of two
    settings can be trusted, and a fault that one run had can't be looked for in the next.

    ## Evidence
    Exact: the numbers of both runs, losses to nine digits, weights by their bits. A warning; a note
    where the same weights and the same batch give losses that differ as by rounding.

    ## Known exceptions
    Judged only after `assay check --twice`. Silent where torch is not seeded: `unseeded` says that.
    Silent where the runs differ in length alone. Not judged where the second run loaded a state
    that the first did not: it may have gone on from what that one saved. Batches are compared by
    range, mean and spread. A second run of the same length may be alike by luck.

    ## Example
    `torch.manual_seed(0)` at the top, and the order of samples is shuffled by `random.shuffle`.

    ## What to try
    Seed every generator that is drawn from. Sort what comes from a set or from a folder.
    `torch.use_deterministic_algorithms(True)` raises at an operation that is not deterministic.

    ## References
    PyTorch documentation, "Reproducibility". Python documentation, `PYTHONHASHSEED`.
    """

    name = "runs-differ"
    family = "reproducibility"
    severity = "warning"
    tier = "exact"
    by_hand = "what draws a number that no seed decides on is the script's to say"
    needs = ("repeated",)
    reads = ("repeated", "seed", "loader")

    def review(self, run: RunView) -> Iterator[Finding]:
        seeded = {str(event.data["of"]): event.site for event in run.events(SEED)}
        if "torch" not in seeded:
            return
        for event in run.events(REPEATED):
            data = event.data
            stage, step = data["stage"], data["at"]
            if stage is None or step is None or stage == "length":
                continue
            rounding = stage in ARITHMETIC and data["near"] and data["sampled"]
            yield self.found(
                f"a second run with the same seeds {_how(data)}",
                "a difference between two settings may be nothing but this, and no run, nor its "
                "fault, can be had again",
                try_=_advice(data, [name for name in GENERATORS if name not in seeded]),
                where=Where(site=_site(run, stage) or seeded["torch"]),
                steps=(step, step),
                evidence=(Evidence("first step that differs", step),),
                severity="note" if rounding else None,
            )


def _how(data: Repeated) -> str:
    """Returns at which step the runs parted, and in what."""
    step, place = f"{data['at']:,}", data["place"]
    a, b = data["a"], data["b"]
    values = f" ({a:.9g} and {b:.9g})" if isinstance(a, float) and isinstance(b, float) else ""
    match data["stage"]:
        case "weights" if data["at"] == 0:
            return f"began with other weights{f' (first {place})' if place else ''}"
        case "weights":
            return f"had other weights before step {step}"
        case "batch":
            return f"was given another batch at step {step}"
        case "targets":
            return f"was given other targets at step {step}"
        case "rate":
            return f"took step {step} at another learning rate"
        case "mode":
            return f"had modules in another mode at step {step}"
        case "evaluation":
            return f"was alike in training, and not in an evaluation after step {step}"
        case "loss" if data["sampled"]:
            return f"had another loss at step {step}{values}, of the same weights and batch"
        case "loss":
            return f"had another loss at step {step}{values}"
        case stage:
            return f"had another {stage} at step {step}, of the same loss"


def _advice(data: Repeated, unseeded: list[str]) -> tuple[str, ...]:
    """Returns what to do about it: the commonest reasons of each."""
    seeds = tuple(GENERATORS[name] for name in unseeded)
    drawn = f"{' and '.join(seeds)}: nobody seeds {'them' if len(seeds) > 1 else 'it'}"
    found = [f"{drawn}, if the script draws from there"] if seeds else []
    stage = data["stage"]
    if stage in ("weights", "batch", "targets") or not data["sampled"]:
        found.append("sort what comes from a set or a folder; PYTHONHASHSEED=0 shows whether "
                     "the order of a set is it")  # fmt: skip
    if stage in ARITHMETIC:
        found.append("torch.use_deterministic_algorithms(True) raises at an operation that is not")
    if stage == "weights" and data["at"] == 0:
        found.insert(0, "torch.manual_seed(0) before the model is built")
    return tuple(found) or ("look for what depends on the clock",)


def _site(run: RunView, stage: str) -> Site | None:
    """Returns the line that built the loader, where batches differ and there is only one."""
    built = [event.data.get("built") for event in run.events(LOADER)]
    return Site.read(built[0]) if stage in ("batch", "targets") and len(built) == 1 else None
