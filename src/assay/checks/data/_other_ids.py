"""Token ids of evaluations that mean something else: a part of `eval-preprocessed-differently`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...journal.events import EvalTokens
from ..base import Limit

_IDS = "measured in benchmarks/calibration/token_ids.py"
ID_LIMITS = {
    "tokens": Limit(256, "tokens", "ours: fewer have no frequencies"),
    "padded": Limit(0.3, "of the rows", "ours: rows that end in a word twice are few"),
    "known": Limit(0.5, "of evaluated tokens", "ours: else they are other data"),
    "taken": Limit(0.5, "of evaluated tokens", "ours: no word is half of a text"),
    "scored": Limit(0.9, "of the batches", "ours: a text that is being written begins empty"),
    "rare": Limit(0.05, "of training tokens", "ours: masks and blanks are more in training"),
    "common": Limit(16, "ids of 0.5 %", "ours: fewer have no profile"),
    "halves": Limit(0.4, "of the distance", "ours: chance is most of it"),
    "moved": Limit(0.3, "of evaluated tokens", _IDS),
    "others": Limit(0.45, "of evaluated tokens", _IDS),
    "fits": Limit(0.35, "of the distance", _IDS),
    "rough": Limit(0.25, "of the tokens", "ours: levels of a curve drift, and lie smoothly"),
}

_SAME_VOCABULARY = "build the vocabulary from the training data once, and use it for both"


class OtherIds(NamedTuple):
    """What differs, in words; what it brings; what to try; the value that shows it, its unit."""

    what: str
    why: str
    advice: str
    value: float
    limit: float
    unit: str


def other_ids(data: EvalTokens, limit: Callable[[str], float]) -> OtherIds | None:
    """Returns how ids of evaluations were made in another way; None where nothing tells it."""
    if data["beyond"] or data["tokens"] < limit("tokens"):
        return None
    return _padding(data, limit) or _unknown(data, limit) or _vocabulary(data, limit)


def _padding(data: EvalTokens, limit: Callable[[str], float]) -> OtherIds | None:
    least = limit("padded")
    if (
        data["pad"] == data["eval_pad"]
        or min(data["padded"], data["eval_padded"]) < least
        or max(data["pad_in_eval"], data["eval_pad_in_training"]) > 0
        or data["met"] < limit("known")
    ):
        return None
    return OtherIds(
        f"evaluations filled up {data['eval_padded']:.0%} of the rows of `{data['place']}` with "
        f"id {data['eval_pad']}, training {data['padded']:.0%} with id {data['pad']}",
        "the model takes the padding of evaluations for words",
        f"fill up both with id {data['pad']}",
        data["eval_padded"],
        least,
        "of evaluated rows",
    )


def _unknown(data: EvalTokens, limit: Callable[[str], float]) -> OtherIds | None:
    share = data["more_eval_share"]
    written = data["scored"] < limit("scored")
    if written or share < limit("taken") or data["more_share"] > limit("rare"):
        return None
    return OtherIds(
        f"{share:.0%} of the tokens that evaluations gave `{data['place']}` had id {data['more']}, "
        f"{data['more_share']:.1%} of those of training",
        "if it stands for unknown words, the text is cut or spelt otherwise than the vocabulary",
        "cut and spell the text of evaluations as that of training (case, spaces, marks)",
        share,
        limit("taken"),
        "of evaluated tokens",
    )


def _vocabulary(data: EvalTokens, limit: Callable[[str], float]) -> OtherIds | None:
    apart = data["apart"]
    if data["common"] < limit("common") or data["halves_apart"] > limit("halves") * apart:
        return None
    begin = (
        f"{apart:.0%} of the tokens that evaluations gave `{data['place']}` would have to be "
        "others to be as frequent as in training"
    )
    why = "the model reads other words than are written"
    if (
        apart >= limit("moved")
        and data["shifted_apart"] <= limit("fits") * apart
        and data["neighbours_apart"] >= limit("rough")
    ):
        left = f"{data['shifted_apart']:.0%} if all ids were {abs(data['shift'])}"
        way = "larger" if data["shift"] < 0 else "smaller"
        return OtherIds(
            f"{begin}, and {left} {way}", why, _SAME_VOCABULARY, apart, limit("moved"),
            "of evaluated tokens",
        )  # fmt: skip
    if (
        apart >= limit("others")
        and data["ranks_apart"] <= limit("fits") * apart
        and data["met"] >= limit("known")
    ):
        return OtherIds(
            f"{begin}; sorted by frequency, whatever their ids, {data['ranks_apart']:.0%}",
            why, _SAME_VOCABULARY, apart, limit("others"), "of evaluated tokens",
        )  # fmt: skip
    return None
