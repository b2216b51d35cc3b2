"""A merge from its beginning to its end: measured where it can be, written if it is any good."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..launch.errors import LaunchError
from ..merging.methods import read_method
from .asked import Asked
from .barrier import along
from .candidates import Candidates, subset
from .cautions import STRANGERS, cautions
from .evaluating import Evaluation
from .fused import Fused
from .greedy import greedy
from .optimising import optimise
from .worker import Worker

SAME = 1e-3
"""A metric that differs by less, relative to it, is the same: sums in another order round
otherwise, and may turn the answer to a sample or two."""


@dataclass(frozen=True)
class Scripts:
    """What of the user's is run beside the merge; None: it is not.

    Attributes:
        evaluation: Measures checkpoints.
        align: Calls the model, so that its units are known.
        calibrate: Trains on the data by which running statistics are refreshed.
        python: The interpreter; None for the default.
    """

    evaluation: Evaluation | None = None
    align: tuple[str, ...] | None = None
    calibrate: tuple[str, ...] | None = None
    python: str | None = None


@dataclass(frozen=True)
class Search:
    """How coefficients are chosen by the metric.

    Attributes:
        greedy: Which inputs are averaged.
        runs: How many points are searched by Optuna; None for no search.
        proof: Measures the choice on other data.
    """

    greedy: bool = False
    runs: int | None = None
    proof: Evaluation | None = None


def fuse(
    worker: Worker,
    asked: Asked,
    scripts: Scripts,
    search: Search,
    *,
    anyway: bool = False,
    told: Callable[[str], object] = lambda line: None,
) -> Fused:
    """Merges, measures, and writes.

    Args:
        worker: Has torch.
        asked: What is merged.
        scripts: What is run beside it.
        search: How coefficients are chosen.
        anyway: Write a merge that is worse than every input.
        told: Is told of each measurement, in a line.

    Returns:
        What came of it; `refused` says why nothing was written.

    Raises:
        LaunchError: It can't be done.
    """
    evaluation = scripts.evaluation
    if evaluation is None and scripts.align is None and scripts.calibrate is None:
        facts = worker.ask("merge", **asked.request())
        fused = Fused(asked, facts, asked.output is not None)
        fused.cautions += cautions(fused)
        return fused
    # before any script is run: what does not fit is said at once
    facts = worker.ask("merge", **asked.request(output=None))
    fused = Fused(asked, facts)
    with Candidates(
        worker, asked, evaluation, told, calibrate=scripts.calibrate, python=scripts.python
    ) as candidates:
        if evaluation is not None:
            fused.scores = [candidates.score(path) for path in asked.inputs]
            fused.shown = evaluation.shown
        if scripts.align is not None:
            _align(fused, candidates, scripts.align)
        changes: dict[str, Any] = {}
        if evaluation is not None:
            if len(fused.scores) == 2 and all(map(math.isfinite, fused.scores)):
                fused.curve = along(candidates, fused.scores)
            changes = _choose(candidates, fused, search)
        draft, fused.facts = candidates.draft(**changes)
        fused.batches = fused.facts.get("batches", 0)
        if evaluation is not None:
            fused.score = candidates.score(draft, "the merge")
        fused.cautions += cautions(fused)
        if search.proof is not None:
            _prove(fused, draft, search.proof)
        worse = fused.score is not None and all(fused.score > score for score in fused.scores)
        if worse and not anyway:
            fused.refused = _refusal(fused)
        elif asked.output is not None:
            candidates.keep(draft)
            fused.written = True
    return fused


def _align(fused: Fused, candidates: Candidates, words: Sequence[str]) -> None:
    fused.aligned = candidates.align(words)
    for i, path in enumerate(candidates.asked.inputs):
        if fused.scores and i:
            score = candidates.score(path, f"{fused.asked.inputs[i]}, aligned")
            if not math.isclose(score, fused.scores[i], rel_tol=SAME, abs_tol=SAME):
                raise LaunchError(
                    f"--align: {fused.asked.inputs[i]} measures {fused.shown(score):.5g} with its "
                    f"units in another order and {fused.shown(fused.scores[i]):.5g} before: the "
                    "script uses it otherwise than the call that was watched", 1
                )  # fmt: skip


def _refusal(fused: Fused) -> str:
    cosine = fused.likeness["cosine"]
    apart = cosine is not None and cosine < STRANGERS and not fused.aligned
    advice = "their units are in another order, and --align SCRIPT matches them; " if apart else ""
    return f"the merge is worse than every input; {advice}--anyway writes it all the same"


def _choose(candidates: Candidates, fused: Fused, search: Search) -> dict[str, Any]:
    """Returns the changes of the request that the search has chosen."""
    asked = candidates.asked
    if search.greedy:
        fused.chosen, _ = greedy(candidates, fused.scores)
        fused.tried = len(asked.inputs) - 1
        if len(fused.chosen) == 1:
            fused.cautions.append("no average is as good as the best input: that is the soup")
        return subset(asked, fused.chosen)
    if search.runs is None:
        return {}
    changes, _ = optimise(candidates, search.runs)
    fused.tried = search.runs
    fused.asked = dataclasses.replace(
        fused.asked,
        method=read_method(changes["method"]),
        weights=tuple(changes.get("weights", asked.weights)),
    )
    return changes


def _prove(fused: Fused, draft: str, proof: Evaluation) -> None:
    best = fused.asked.inputs[_best(fused.scores)]
    fused.proof = (proof.of(draft), proof.of(best))
    if fused.proof[0] > fused.proof[1]:
        fused.cautions.append(
            f"on the data of --prove it is worse than {best}: the coefficients were fitted to "
            "those of --evaluate"
        )


def _best(scores: Sequence[float]) -> int:
    return min(range(len(scores)), key=lambda i: scores[i])


def needs(search: Search, evaluation: Evaluation | None) -> None:
    """Refuses a search without a metric.

    Raises:
        LaunchError: There is none.
    """
    if evaluation is None:
        for what, wanted in (
            ("--method greedy-soup", search.greedy),
            ("--optimise", search.runs is not None),
            ("--prove", search.proof is not None),
        ):
            if wanted:
                raise LaunchError(f"{what} needs --evaluate: a script that measures a checkpoint")
