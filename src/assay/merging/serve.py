"""Answers requests: a line of JSON each way, until there are no more."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .errors import MergeError
from .merge import Merge, merge
from .replacing import replace
from .sharded import open_checkpoint
from .units.aligning import align


def _merge(asked: Mapping[str, Any]) -> dict[str, Any]:
    return merge(Merge.read(asked))


def _names(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"names": list(open_checkpoint(asked["input"], asked.get("key")).entries)}


ANSWERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "merge": _merge,
    "names": _names,
    "align": align,
    "replace": replace,
}


def serve() -> None:
    """Reads standard input to its end; what torch prints goes to standard error."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a draft is removed on the way out
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = ANSWERS[asked["do"]](asked)
        except MergeError as error:
            answer = {"error": str(error)}
        except MemoryError:
            answer = {"error": "a tensor is larger than the memory"}
        print(json.dumps(answer), file=answers, flush=True)
