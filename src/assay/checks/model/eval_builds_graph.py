"""The check `eval-builds-graph`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.events import EVALUATION_PASS
from ...journal.view import RunView, Site, Training
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class EvalBuildsGraph(Check):
    """An evaluation builds graphs for a backward pass that never comes.

    ## What it does
    Looks at forward passes with gradients on, of a model in evaluation mode or over a DataLoader:
    several in a row, after which the model goes back to training, or the run ends, and no backward
    pass goes through them. Of each graph it is seen whether it is still held when later passes
    begin.

    ## Why it matters
    A graph keeps every activation of its pass. Where results are added up or kept with their
    graphs, memory grows with each batch of the evaluation, until there is none left; else the
    evaluation takes more time and memory than it needs.

    ## Evidence
    Exact: a warning with the number of graphs that were held at one time, a note where each was let
    go of before the next.

    ## Known exceptions
    Silent: passes that a later backward pass goes through (a roll-out in evaluation mode, training
    in evaluation mode on purpose), single passes, saliency and attacks, which take gradients.

    ## Example
    `val_loss += criterion(net(x), y)` without `torch.no_grad()`: the sum holds the graphs of all
    batches.

    ## What to try
    `with torch.no_grad():` or `torch.inference_mode()` around the evaluation; `.item()` on what is
    added up.

    ## References
    PyTorch documentation, "Frequently Asked Questions": "My model reports cuda runtime error(2):
    out of memory".
    """

    name = "eval-builds-graph"
    family = "model"
    severity = "warning"
    tier = "exact"
    by_hand = "it costs memory and changes nothing that is learnt"
    needs = ("eval_graphs",)
    reads = ("eval_graphs", "eval_graphs_kept", "evaluation_pass")
    limits = {
        "passes": Limit(3, "passes", "ours: one or two may be a look at an example"),
        "kept": Limit(3, "graphs", "ours: the last two can be those that variables still name"),
    }

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            for place in training.places("eval_graphs"):
                graphs = training.series("eval_graphs", place)
                steps = [s for s, value in graphs if value >= self.limit("passes")]
                if steps:
                    yield self._finding(run, training, place, steps, max(graphs.values))

    def _finding(
        self, run: RunView, training: Training, place: str, steps: list[int], most: float
    ) -> Finding:
        held = max(training.series("eval_graphs_kept", place).values, default=0)
        grows = held >= self.limit("kept")
        calls = (
            e.data["line"]
            for e in run.events(EVALUATION_PASS)
            if e.data["module"] == place and e.data["grad"]
        )
        evidence = Evidence("eval_graphs", most, self.limit("passes"), "passes", place)
        kept = Evidence("eval_graphs_kept", held, self.limit("kept"), "passes", place)
        tail = (
            f"{held:.0f} of them were held at one time"
            if grows
            else "each was let go of before the next"
        )
        return self.found(
            f"an evaluation built {most:.0f} graphs of {place} that no backward pass went through: "
            f"{tail}",
            "memory grows with each batch of an evaluation"
            if grows
            else "an evaluation without gradients takes less time and memory",
            try_=(
                "with torch.no_grad(): around the evaluation",
                *(("add up loss.item(), not loss",) if grows else ()),
            ),
            where=Where(site=Site.read(next(calls, None)), module=place),
            steps=(steps[0], steps[-1]),
            evidence=(kept, evidence) if grows else (evidence,),
            severity="warning" if grows else "note",
            training=training,
        )
