"""The greedy soup: an input joins the average if that makes it no worse."""

from __future__ import annotations

from collections.abc import Sequence

from .candidates import Candidates, subset


def greedy(candidates: Candidates, scores: Sequence[float]) -> tuple[list[int], float]:
    """Returns the inputs that are in the soup, in the order in which they came, and its metric.

    Wortsman et al. 2022, "Model soups", algorithm 1: the best first; each next one stays in if the
    average with it is at least as good on held-out data.

    Args:
        candidates: Merges and measures.
        scores: Of the inputs, lower is better.
    """
    first, *rest = sorted(range(len(scores)), key=lambda i: scores[i])
    soup, best = [first], scores[first]
    for i in rest:
        score = candidates.try_(**subset(candidates.asked, [*soup, i]))
        if score <= best:
            soup, best = [*soup, i], score
    return soup, best
