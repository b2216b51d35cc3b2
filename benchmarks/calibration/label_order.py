"""How much labels of a batch resemble each other, in right and wrong orders: `data-not-shuffled`.

    PYTHONPATH=src python benchmarks/calibration/label_order.py > label_order.jsonl

One JSON object a line: the order, batch size, classes, the largest and smallest intraclass
correlation over ten seeds and the mean entropy within a batch over that of all labels.
"""

from __future__ import annotations

import json
import random

from assay.checks.data.data_not_shuffled import clumping, entropy

BATCHES, SEEDS = 32, 10


def drawn(n: int, classes: int, r: random.Random, power: float = 0.0) -> list[int]:
    weights = [(c + 1) ** -power for c in range(classes)]
    return r.choices(range(classes), weights, k=n)


def shuffled(n: int, size: int, classes: int, r: random.Random) -> list[int]:
    return drawn(n, classes, r)


def unequal(n: int, size: int, classes: int, r: random.Random) -> list[int]:
    return drawn(n, classes, r, power=2.0)


def balanced(n: int, size: int, classes: int, r: random.Random) -> list[int]:
    return [c % classes for c in range(n)]


def metric_learning(n: int, size: int, classes: int, r: random.Random) -> list[int]:
    """A quarter of a batch's samples from each of four classes, as samplers for triplets do."""
    labels: list[int] = []
    while len(labels) < n:
        for c in r.sample(range(classes), min(4, classes)):
            labels += [c] * max(size // 4, 1)
    return labels[:n]


def drifting(n: int, size: int, classes: int, r: random.Random) -> list[int]:
    """A stream whose class frequencies wander slowly, such as text with topics."""
    weights, labels = [1.0] * classes, []
    for _ in range(n):
        c = r.randrange(classes)
        weights[c] = min(max(weights[c] * r.choice((0.8, 1.25)), 0.3), 3.0)
        labels += r.choices(range(classes), weights)
    return labels


def sorted_by_class(n: int, size: int, classes: int, r: random.Random) -> list[int]:
    return sorted(drawn(n, classes, r))


def in_files(n: int, size: int, classes: int, r: random.Random) -> list[int]:
    """Blocks of two batches of one class, in random order."""
    return [c for c in drawn(n // (2 * size) + 1, classes, r) for _ in range(2 * size)][:n]


def small_buffer(n: int, size: int, classes: int, r: random.Random) -> list[int]:
    """Sorted, then passed through a shuffle buffer of two batches."""
    held, labels = [], []
    for label in sorted(drawn(n, classes, r)):
        held.append(label)
        if len(held) >= 2 * size:
            labels.append(held.pop(r.randrange(len(held))))
    return labels + held


def main() -> None:
    right = (shuffled, unequal, balanced, metric_learning, drifting)
    wrong = (sorted_by_class, in_files, small_buffer)
    for order in right + wrong:
        for size in (4, 16, 64):
            for classes in (2, 10, 50):
                alike, share = [], []
                for seed in range(SEEDS):
                    n = size * BATCHES
                    labels = order(n, size, classes, random.Random(seed))
                    batches = [
                        [float(labels[i : i + size].count(c)) for c in range(classes)]
                        for i in range(0, n, size)
                    ]
                    whole = entropy([sum(column) for column in zip(*batches, strict=True)])
                    alike.append(clumping(batches))
                    share.append(sum(map(entropy, batches)) / len(batches) / whole if whole else 1)
                print(json.dumps({
                    "order": order.__name__, "healthy": order in right, "batch": size,
                    "classes": classes, "correlation": [round(min(alike), 3), round(max(alike), 3)],
                    "entropy_share": [round(min(share), 3), round(max(share), 3)],
                }))  # fmt: skip


if __name__ == "__main__":
    main()
