"""A text as a sentence."""

from __future__ import annotations

import re

from .console import clean

_WORD = re.compile(r"[a-z][a-z'-]*(?=[\s,;:]|$)")


def sentence(text: str) -> str:
    """Returns a text as a sentence, its control characters made visible.

    A name of the script's or of torch's that it begins with stays as it is written.
    """
    text = " ".join(clean(text).split())
    if _WORD.match(text):
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "…")) or not text else f"{text}."
