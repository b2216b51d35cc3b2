"""The check `sampler-skips-data`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import EPOCH, LOADER, Loader
from ...journal.view import Event, RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where
from ..requirements import That


def _no_loader(check: Check, run: RunView, training: Training) -> str | None:
    """Says that no DataLoader of training was iterated over a data set of known size."""
    sizes = (e.data["size"] for e in run.events(LOADER) if e.data["grad"])
    return None if any(sizes) else "no DataLoader of training has a data set of known size"


class SamplerSkipsData(Check):
    """A DataLoader's sampler never draws most of the data, or can't.

    ## What it does
    Assay compares the number of weights of a WeightedRandomSampler with the size of the data set,
    and counts which indices are drawn in the first two epochs.

    ## Why it matters
    The model learns from a part of the data only, often of one class, and nothing says so.

    ## Evidence
    Exact. Fewer weights than samples: an index beyond them is never drawn. Or as many draws as
    there are samples came upon less than a fifth of them, where even weights would come upon 63 %.

    ## Known exceptions
    A sampler that draws without replacement, or is made to leave out a part on purpose (a split by
    SubsetRandomSampler, one share of a DistributedSampler), and weights that balance classes.

    ## Example
    `WeightedRandomSampler(class_weights, len(data))`: one weight for each class, where one for each
    sample is wanted. Only the first samples are ever drawn.

    ## What to try
    `WeightedRandomSampler(class_weights[labels], len(labels))`.

    ## References
    PyTorch documentation, `torch.utils.data.WeightedRandomSampler`.
    """

    name = "sampler-skips-data"
    family = "data"
    severity = "error"
    tier = "exact"
    by_hand = "what the weights of the sampler should be is the script's to say"
    needs = ("loader",)
    reads = ("loader", "epoch")
    requires = (That(_no_loader),)
    limits = {
        "fewer": Limit(1.0, "weights a sample", "definition: one for each"),
        "met": Limit(0.2, "of the samples", "arithmetic: 1 - 1/e if even, 0.4 if one class is 1 %"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for _ in self.judgeable(run):
            for loader in run.events(LOADER):
                size = loader.data["size"]
                if not loader.data["grad"] or not size:
                    continue
                weights = loader.data.get("weights")
                if weights is not None and weights < self.limit("fewer") * size:
                    yield self._found(
                        loader,
                        f"the WeightedRandomSampler had {weights:,} weights for {size:,} samples: "
                        f"those from number {weights:,} on were never drawn",
                        Evidence("loader", weights / size, self.limit("fewer"), "weights a sample"),
                    )
                elif loader.data.get("replacement") or weights is not None:
                    yield from self._seldom(run, loader, size)
            return

    def _seldom(self, run: RunView, loader: Event[Loader], size: int) -> Iterator[Finding]:
        own = [
            e.data
            for e in run.events(EPOCH)
            if e.process == loader.process and e.data["loader"] == loader.data.get("number")
        ]
        counted = [each for each in own if each["distinct_ever"] is not None]
        draws = sum(each["draws"] for each in counted)
        met = max((each["distinct_ever"] or 0 for each in counted), default=0)
        if draws >= size and met < self.limit("met") * size:
            yield self._found(
                loader,
                f"{draws:,} draws of the {loader.data['sampler']} came upon {met:,} of {size:,} "
                "samples",
                Evidence("epoch", met / size, self.limit("met"), "of the samples"),
            )

    def _found(self, loader: Event[Loader], summary: str, evidence: Evidence) -> Finding:
        return self.found(
            summary,
            "the model learns from a part of the data only",
            try_=("give the sampler one weight for each sample: class_weights[labels]",),
            where=Where(site=Site.read(loader.data["built"]) or loader.site),
            evidence=(evidence,),
            process=loader.process,
        )
