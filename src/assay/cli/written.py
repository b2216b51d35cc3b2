"""Facts of a verb for programs: what `--json FILE` writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from .complaint import complain


def write_json(facts: Any, target: str) -> bool:
    """Writes facts as JSON, into a file as a whole; says in one line why not, where that fails.

    Args:
        facts: Numbers are finite; `journal.numbers` makes words of others.
        target: The file; `-` for standard output.

    Returns:
        Whether it was written.
    """
    from ..report.atomic import write_whole

    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        if target == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            write_whole(Path(target), text.encode("utf-8", "replace"))
    except OSError as error:
        complain(f"--json: can't write {target}: {error.strerror}")
        return False
    return True
