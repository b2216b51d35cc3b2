"""The check `uneven-inputs`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import EPOCH, LOADER
from ...journal.view import RunView, Training
from ...signals.ranks import Ranks, side_by_side, wrapped
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That
from ._side_by_side import not_compared


def _no_wrapper(check: Check, run: RunView, training: Training) -> str | None:
    """Says that no DistributedDataParallel averages its gradients over all ranks."""
    for ranks in side_by_side(run):
        if training in ranks.trainings and wrapped(run, ranks) is not None:
            return None
    return "no DistributedDataParallel averages its gradients over all ranks"


class UnevenInputs(Check):
    """An epoch has more batches on one rank than on another, and each batch needs all ranks.

    ## What it does
    Compares the number of batches of whole epochs between ranks that a DistributedDataParallel
    keeps together.

    ## Why it matters
    Each backward pass waits for all ranks. A rank that has finished its epoch takes the first batch
    of the next one while another takes its last: from then on they are in different epochs, see
    their evaluations at different weights, and at the end some wait for ranks that are gone.

    ## Evidence
    Exact: the DataLoader of one rank came to its end after another number of batches.

    ## Known exceptions
    Training inside `with ddp.join():`, and epochs that a script ends early to keep ranks together.

    ## Example
    Each rank reads a file of its own, and the files have 1,000 and 1,013 rows.

    ## What to try
    Deal the data out evenly (DistributedSampler repeats some rows for it), stop each epoch at the
    smallest number of batches of all ranks, or train inside `with ddp.join():`.

    ## References
    PyTorch tutorial, Distributed Training with Uneven Inputs Using the Join Context Manager.
    """

    name = "uneven-inputs"
    family = "distributed"
    severity = "error"
    tier = "exact"
    by_hand = "how the data are dealt out is the script's to say"
    needs = ("grad_fingerprint", "replicated", "epoch")
    reads = ("grad_fingerprint", "grad_norm", "replicated", "epoch", "loader")
    requires = (That(not_compared), That(_no_wrapper))
    limits = {"batches": Limit(1, "batches", "definition: one more is enough to wait for")}

    def review(self, run: RunView) -> Iterator[Finding]:
        judged = {training.index for training in self.judgeable(run)}
        for ranks in side_by_side(run):
            wrapper = wrapped(run, ranks)
            if ranks.first.index not in judged or wrapper is None or wrapper.data["joined"]:
                continue
            counts = _batches(run, ranks)
            known = [count for count in counts if count is not None]
            if len(known) < len(counts) or max(known) - min(known) < self.limit("batches"):
                continue
            least, most = (known.index(pick(known)) for pick in (min, max))
            low, high = (ranks.trainings[place].rank for place in (least, most))
            loader = next(e for e in run.events(LOADER) if e.data["grad"])
            yield self.found(
                f"an epoch had {known[least]:,} batches on rank {low} and {known[most]:,} on rank "
                f"{high}, while each batch waits for all ranks",
                f"rank {low} is in its next epoch while rank {high} ends this one, and when it has "
                f"ended rank {high} waits for it in vain",
                try_=(
                    "give all ranks the same number of batches",
                    "or train inside: with ddp.join():",
                ),
                where=Where(site=loader.site),
                steps=(0, ranks.first.steps - 1),
                evidence=(Evidence("epoch", known[most], known[least], "batches"),),
                training=ranks.first,
                processes=ranks.processes,
            )


def _batches(run: RunView, ranks: Ranks) -> list[int | None]:
    """Returns how many batches the first whole epoch of each rank had; None without one."""
    counts: list[int | None] = []
    for process in ranks.processes:
        loaders = (e for e in run.events(LOADER) if e.process == process and e.data["grad"])
        loader = next(loaders, None)
        size = None if loader is None else loader.data["batch_size"]
        epochs = (
            e
            for e in run.events(EPOCH)
            if loader is not None
            and e.process == process
            and e.data["loader"] == loader.data.get("number")
            and e.data["whole"]
        )
        epoch = next(epochs, None)
        counts.append(None if epoch is None or not size else -(-epoch.data["draws"] // size))
    return counts
