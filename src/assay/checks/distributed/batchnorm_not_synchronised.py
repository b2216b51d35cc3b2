"""The check `batchnorm-not-synchronised`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.view import RunView
from ...signals.batchnorm import is_off, is_small
from ...signals.ranks import Ranks, side_by_side, wrapped
from ..base import Check, Limit
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Samples, That
from ._side_by_side import not_compared


class BatchnormNotSynchronised(Check):
    """Each rank normalises by the few samples of its own, while all ranks together have enough.

    ## What it does
    Counts, where batch norm is in training mode on ranks that a DistributedDataParallel keeps
    together, over how many values its statistics are taken, and measures how far the mean of a
    batch lies from the running mean.

    ## Why it matters
    The batch that the optimizer sees is that of all ranks, the one that batch norm sees is that of
    one: dealing a batch out to more ranks makes its statistics noise. The running ones are those of
    rank 0, which sends its own to all others.

    ## Evidence
    Probe: as for `batchnorm-tiny-batch`, on each rank; of all ranks together the batch would be
    above both limits.

    ## Known exceptions
    SyncBatchNorm, batch norm in evaluation mode (frozen), group and layer norms. A batch that is
    tiny on all ranks together is `batchnorm-tiny-batch`.

    ## Example
    A detector with two pictures a device, on eight devices, with `nn.BatchNorm2d`.

    ## What to try
    `nn.SyncBatchNorm.convert_sync_batchnorm(model)` before the model is wrapped, on accelerators;
    `nn.GroupNorm` or `nn.LayerNorm` anywhere; more samples on each rank.

    ## References
    Wu and He: Group Normalization, 2018; Peng et al.: MegDet, 2018, section 3; PyTorch
    documentation, `SyncBatchNorm`.
    """

    name = "batchnorm-not-synchronised"
    family = "distributed"
    severity = "warning"
    tier = "probe"
    needs = ("norm_rows", "replicated")
    reads = ("norm_rows", "norm_values", "norm_offset", "replicated", "grad_norm")
    requires = (That(not_compared), Samples(("norm_rows",)))
    limits = {
        "samples": Limit(4, "samples", "as for batchnorm-tiny-batch"),
        "rows": Limit(2, "samples", "as for batchnorm-tiny-batch: Wu and He 2018"),
        "values": Limit(4, "values", "as for batchnorm-tiny-batch"),
        "offset": Limit(0.4, "deviations", "as for batchnorm-tiny-batch"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for ranks in side_by_side(run):
            if wrapped(run, ranks) is not None:
                places = ranks.first.places("norm_rows")
                if apart := [place for place in places if self._is_apart(ranks, place)]:
                    yield self._finding(run, ranks, apart)

    def _is_apart(self, ranks: Ranks, place: str) -> bool:
        rows, values = self.limit("rows"), self.limit("values")
        offset, samples = self.limit("offset"), int(self.limit("samples"))
        return all(
            is_off(training, place, offset, samples)
            and is_small(training, place, rows, values)
            and not is_small(training, place, rows, values, len(ranks.trainings))
            for training in ranks.trainings
        )

    def _finding(self, run: RunView, ranks: Ranks, places: list[str]) -> Finding:
        place, training, count = places[0], ranks.first, len(ranks.trainings)
        module = run.module(place)
        values = median(training.series("norm_values", place).values)
        offset = median(training.series("norm_offset", place).finite().values)
        steps = training.series("norm_rows", place).steps
        kind = module.kind if module is not None else "batch norm"
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        return self.found(
            f"each of {count} ranks normalised {kind} {place}{more} by {values:.0f} values of its "
            f"own, of {values * count:.0f} that they have together: the mean of a batch lay "
            f"{offset:.2g} deviations from that of the others",
            "a sample's answer depends on which few others its rank was given",
            try_=(
                "convert_sync_batchnorm before the model is wrapped (on accelerators), or GroupNorm"
                " or LayerNorm",
            ),
            where=Where(site=module.site if module is not None else None, module=place),
            steps=(steps[0], steps[-1]),
            evidence=(
                Evidence("norm_values", values, self.limit("values"), "values", place),
                Evidence("norm_offset", offset, self.limit("offset"), "deviations", place),
            ),
            tricks=(Remedy("norm", "group"), Remedy("norm", "layer")),
            training=training,
            processes=ranks.processes,
            began=(0, steps[0]),
        )
