"""Summaries as sentences: words are capitalised, names stay as they are written."""

import pytest

from assay.report.sentence import sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the loss rose", "The loss rose."),
        ("cross_entropy (train.py:9) was given probabilities", None),
        ("layers.3.weight never moved", None),
        ("relu(x) gave zero", None),
        ("0 of 12 units moved", None),
        ("never  a\nstep", "Never a step."),
        ("it's so!", "It's so!"),
        ("done", "Done."),
        ("", ""),
    ],
)
def test_a_name_is_never_capitalised(text: str, said: str | None) -> None:
    assert sentence(text) == (f"{text}." if said is None else said)
