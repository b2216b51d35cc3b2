"""The ladder on the page: each rung with its question and its answer."""

from __future__ import annotations

from typing import Any

from ...diagnosis.ladder import LOOK, QUESTIONS, Ladder
from ..console import clean
from ..glyphs import UNICODE
from ..sentence import sentence

SIGNS = {"passes": UNICODE.healthy, "fails": UNICODE.error, "untried": UNICODE.unseen}


def ladder_context(ladder: Ladder | None) -> dict[str, Any] | None:
    """Returns what the page shows of a ladder; None where none was climbed."""
    if ladder is None:
        return None
    broken = ladder.broken
    return {
        "verdict": sentence(ladder.verdict() if ladder.rungs else ladder.why),
        "look": sentence(LOOK[broken.name]) if broken else None,
        "rungs": [
            {"name": rung.name, "sign": SIGNS[rung.state], "asks": sentence(QUESTIONS[rung.name]),
             "said": sentence(clean(rung.said) if rung.state != "untried"
                              else f"could not be tried: {clean(rung.said)}")}
            for rung in ladder.rungs
        ],
    }  # fmt: skip
