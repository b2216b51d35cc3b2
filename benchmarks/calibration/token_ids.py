"""How token ids of evaluations differ from those of training: `eval-preprocessed-differently`.

    PYTHONPATH=src python benchmarks/calibration/token_ids.py > token_ids.jsonl

One JSON object a line: the text, cut into characters or words, what was evaluated, whether that is
`right`, the distances, and whether the check speaks. Text: pages of this project's documentation
and its source, which is evaluated as another kind of text too; words as in Zipf's law, and levels
of a curve that drifts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from assay.checks.data.eval_preprocessed_differently import EvalPreprocessedDifferently
from assay.journal.view import Event
from assay.probes.data.tokens import Counts, compared
from assay.testing import make_run

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS, LENGTH, BATCHES = 32, 48, 24


def read(kind: str) -> str:
    folder, ending = ("docs", "md") if kind == "prose" else ("src", "py")
    files = sorted((ROOT / folder).rglob(f"*.{ending}"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)[:600_000]


def vocabulary(parts: list[str], order: str) -> dict[str, int]:
    """Numbers what occurs from 2 on, 0 for padding and 1 for what is unknown."""
    counts = Counter(parts)
    if order == "alphabet":
        known = sorted(counts)
    elif order == "frequency":
        known = [part for part, _ in counts.most_common()]
    else:
        known = list(counts)
    return {part: number for number, part in enumerate(known[:12_000], 2)}


def ids(parts: list[str], known: dict[str, int]) -> Tensor:
    return torch.tensor([known.get(part, 1) for part in parts])


def windows(stream: Tensor, count: int) -> Iterator[Tensor]:
    for _ in range(count):
        at = torch.randint(0, len(stream) - LENGTH, (ROWS,))
        yield torch.stack([stream[i : i + LENGTH] for i in at.tolist()])


def texts() -> Iterator[tuple[str, Tensor, dict[str, tuple[bool, Tensor]]]]:
    """Yields a name, the ids of training, and evaluations by name, each right or not."""
    prose, code = read("prose"), read("code")
    for unit in ("characters", "words"):
        cut = list if unit == "characters" else str.split
        one, other, strange = (cut(text) for text in (prose[:-80_000], prose[-80_000:], code))
        for order in ("alphabet", "frequency", "first seen"):
            known = vocabulary(one, order)
            held = ids(other, known)
            shouted = ids([part.upper() for part in other], known)
            yield f"{unit} by {order}", ids(one, known), {
                "later text": (True, held),
                "code": (True, ids(strange, known)),
                "moved by 1": (False, held + 1),
                "moved by 2": (False, held + 2),
                "own vocabulary": (False, ids(other, vocabulary(other, order))),
                "in capitals": (False, shouted),
            }  # fmt: skip
    levels = (10 + 3 * torch.randn(50_000)).round().long().clamp(0, 40)
    yield "levels", levels, {"drifted": (True, levels[:9000] + 2)}
    uniform = torch.randint(0, 50, (50_000,))
    yield "uniform", uniform, {"later": (True, torch.randint(0, 50, (9000,)))}


def rows() -> Iterator[dict[str, object]]:
    check = EvalPreprocessedDifferently()
    for name, training, evaluations in texts():
        one = Counts(training.device)
        for batch in windows(training, BATCHES):
            one.add(batch)
        for what, (right, stream) in evaluations.items():
            other = Counts(training.device)
            for batch in windows(stream, 4):
                other.add(batch)
            data = {"place": "input 0", "rows": other.rows, "training_rows": one.rows,
                    **compared(one, other), "line": None}  # fmt: skip
            run = make_run(loss=[1.0] * 5, events=[Event("eval_tokens", 5, data)])
            shown = ("apart", "halves_apart", "shifted_apart", "shift", "ranks_apart",
                     "neighbours_apart", "met", "more_share", "more_eval_share")  # fmt: skip
            yield {
                "text": name, "evaluated": what, "right": right,
                **{key: round(data[key], 3) for key in shown},
                "found": any(check.review(run)),
            }  # fmt: skip


if __name__ == "__main__":
    torch.manual_seed(0)
    for row in rows():
        print(json.dumps(row))
