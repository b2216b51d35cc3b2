"""The check `batchnorm-tiny-batch`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ...journal.view import RunView, Training
from ...signals.batchnorm import is_off, is_small
from ...signals.ranks import together
from ..base import Check, Limit
from ..effects import Effect
from ..finding import Evidence, Finding, Remedy, Where
from ..requirements import Samples


class BatchnormTinyBatch(Check):
    """Batch norm takes its statistics over so few values that they are mostly noise.

    ## What it does
    Counts, where batch norm is in training mode, over how many samples and how many values of a
    channel its statistics are taken, and measures how far the mean of a batch lies from the running
    mean. Speaks where the typical batch is tiny and its mean is off by much.

    ## Why it matters
    A sample is answered with the help of one or two others, by chance. Training mode and evaluation
    mode compute different things, and the running statistics average noise. Gradients that are
    accumulated over several such batches do not change that: the statistics are taken in each.

    ## Evidence
    Probe: the numbers of samples and values, and the distance of the means in running deviations,
    each as the median over samples. Of n independent values it is 1 / sqrt(n).

    ## Known exceptions
    Silent: batch norm in evaluation mode (frozen), group and layer norms, instance norm, a short
    last batch of an epoch, large images whose few samples have statistics alike.

    ## Example
    `DataLoader(data, batch_size=2)` and `nn.BatchNorm1d`: of two values one becomes 1 and the other
    -1, whatever they were.

    ## What to try
    A larger batch; `nn.GroupNorm` or `nn.LayerNorm`; a frozen, pretrained batch norm;
    `SyncBatchNorm` over several devices.

    ## References
    Wu and He: Group Normalization, 2018, figure 1: with 2 images a batch the error of a ResNet-50
    rises from 23.6 to 34.7 %; Ioffe: Batch Renormalization, 2017.
    """

    name = "batchnorm-tiny-batch"
    family = "model"
    severity = "warning"
    tier = "probe"
    needs = ("norm_rows",)
    reads = ("norm_rows", "norm_values", "norm_offset", "grad_norm", "replicated")
    requires = (Samples(("norm_rows",)),)
    leads_to = {
        Effect.RATE_TOO_HIGH: "each step follows the noise of one or two samples' statistics",
    }
    limits = {
        "samples": Limit(4, "samples", "ours: the last batch of an epoch may be short"),
        "rows": Limit(2, "samples", "Wu and He 2018: at 2 the error rises by half, at 8 by 5 %"),
        "values": Limit(4, "values", "ours: the deviation of 5 values is off by 35 %"),
        "offset": Limit(0.4, "deviations", "1 / sqrt(n) of 6 independent values"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in self.judgeable(run):
            ranks = together(run, training)  # small on each alone: `batchnorm-not-synchronised`
            places = training.places("norm_rows")
            tiny = [place for place in places if self._is_tiny(training, place, ranks)]
            if tiny:
                yield self._finding(run, training, tiny)

    def _is_tiny(self, training: Training, place: str, ranks: int) -> bool:
        least, rows, values = int(self.limit("samples")), self.limit("rows"), self.limit("values")
        return is_off(training, place, self.limit("offset"), least) and is_small(
            training, place, rows, values, ranks
        )

    def _finding(self, run: RunView, training: Training, tiny: list[str]) -> Finding:
        place = tiny[0]
        module = run.module(place)
        rows = training.series("norm_rows", place)
        values = median(training.series("norm_values", place).values)
        offset = median(training.series("norm_offset", place).finite().values)
        kind = module.kind if module is not None else "batch norm"
        more = f" and {len(tiny) - 1} more" if len(tiny) > 1 else ""
        return self.found(
            f"{kind} {place}{more} normalised by the statistics of {median(rows.values):.0f} "
            f"samples, {values:.0f} values a channel: the mean of a batch lay {offset:.2g} "
            "deviations from that of the others",
            "a sample's answer depends on which one or two stand beside it",
            try_=(
                "a larger batch (accumulating gradients does not help), or GroupNorm or LayerNorm",
            ),
            where=Where(site=module.site if module is not None else None, module=place),
            steps=(rows.steps[0], rows.steps[-1]),
            evidence=(
                Evidence("norm_values", values, self.limit("values"), "values", place),
                Evidence("norm_offset", offset, self.limit("offset"), "deviations", place),
            ),
            tricks=(Remedy("norm", "group"), Remedy("norm", "layer")),
            training=training,
            began=(0, rows.steps[0]),
        )
