"""The check `ranks-see-same-data`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import LOADER
from ...journal.view import RunView, Site
from ...signals.ranks import Ranks, side_by_side, wrapped
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That
from ._side_by_side import gradients_alike, not_compared


class RanksSeeSameData(Check):
    """All ranks are given the same batches: the work is done as often as there are ranks.

    ## What it does
    Compares, between ranks that keep one model, the numbers by which batches are told apart, on all
    sampled steps.

    ## Why it matters
    The average over equal gradients is that gradient. Training goes on as on one process with one
    process's batch, and costs as many machines as there are.

    ## Evidence
    Exact: on all steps that were compared each input that changes from batch to batch was the same
    on all ranks.

    ## Known exceptions
    Ranks that share a model between them (tensor or pipeline parallel), and ranks that train apart.

    ## Example
    A DataLoader with `shuffle=True` and no DistributedSampler, with the same seed on each rank.

    ## What to try
    `DataLoader(data, sampler=DistributedSampler(data))`, or another seed for the data on each rank.

    ## References
    PyTorch documentation, `torch.utils.data.distributed.DistributedSampler`.
    """

    name = "ranks-see-same-data"
    family = "distributed"
    severity = "error"
    tier = "exact"
    by_hand = "which part of the data a rank is to see is the script's to say"
    needs = ("grad_fingerprint", "input_fingerprint")
    reads = ("grad_fingerprint", "input_fingerprint", "grad_norm", "replicated", "loader")
    requires = (That(not_compared),)
    limits = {"steps": Limit(8, "steps", "ours: by chance no eight batches have the same sums")}

    def review(self, run: RunView) -> Iterator[Finding]:
        for ranks in side_by_side(run):
            if wrapped(run, ranks) is None and not gradients_alike(ranks):
                continue
            steps = self._same(ranks)
            if len(steps) < self.limit("steps"):
                continue
            loader = next((e for e in run.events(LOADER) if e.data["grad"]), None)
            plain = loader is not None and loader.data["sampler"] != "DistributedSampler"
            yield self.found(
                f"all {len(ranks.trainings)} ranks were given the same batch in each of the "
                f"{len(steps)} steps that were compared"
                + (f"; {loader.data['sampler']} drew them" if loader is not None else ""),
                "the average of equal gradients is that gradient: the other ranks add nothing",
                try_=("give the DataLoader a DistributedSampler",)
                if plain
                else ("give each rank a part of the data of its own, or another seed",),
                where=Where(
                    site=(Site.read(loader.data["built"]) or loader.site)
                    if loader is not None
                    else ranks.first.step_site
                ),
                steps=(steps[0], steps[-1]),
                evidence=(Evidence("input_fingerprint", len(steps), self.limit("steps"), "steps"),),
                training=ranks.first,
                processes=ranks.processes,
            )

    def _same(self, ranks: Ranks) -> list[int]:
        """Returns the steps, if all inputs that change are the same on all ranks in each."""
        steps: list[int] = []
        for place in ranks.first.places("input_fingerprint"):
            rows = ranks.common("input_fingerprint", place)
            if len({values[0] for _, values in rows}) < 2:
                continue
            if any(len(set(values)) > 1 for _, values in rows):
                return []
            steps = max(steps, [step for step, _ in rows], key=len)
        return steps
