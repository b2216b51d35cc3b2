"""`assay fisher`: how much each weight of a checkpoint matters to a script's data."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..fusion.asked import can_be_output
from ..fusion.inside import ask_script
from ..launch.command import resolve
from ..launch.errors import LaunchError
from .complaint import complain
from .words import COMMAND, Parser, did_you_mean, whole_number

SAMPLES = 500
LABELS = ("sampled", "given")


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: Something can't be understood, the script does not fit, or nothing can be
            written.
    """
    parser = _parser()
    ours, command = parser.split(words)
    given = parser.parse_args(ours)
    resolve(command, given.python)
    if given.checkpoint is None or given.output is None:
        raise LaunchError("fisher needs --checkpoint and -o: the weights, and where to write")
    if not Path(given.checkpoint).exists():
        raise LaunchError(f"--checkpoint: {given.checkpoint}: no such file")
    can_be_output(given.output, (given.checkpoint,), force=given.force)
    with tempfile.TemporaryDirectory(prefix="assay-fisher-") as folder:
        found = ask_script(
            command, given.python, "fisher:", folder,
            {"do": "fisher", "checkpoint": given.checkpoint, "key": given.key,
             "samples": given.samples, "labels": given.labels,
             "output": str(Path(given.output).absolute())},
        )  # fmt: skip
    labels = "labels drawn from the model" if given.labels == "sampled" else "labels of the data"
    complain(f"wrote {given.output}: squared gradients of {found['samples']} samples, {labels}")
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="assay fisher",
        usage=f"assay fisher [OPTIONS] {COMMAND.splitlines()[0]}",
        description="Measure the diagonal of the Fisher information of a checkpoint on the "
        "training data of a script, without training: for `--with ewc` and `assay merge --method "
        f"fisher`.\n\n{COMMAND.splitlines()[-1]}",
    )
    add = parser.add_argument
    add("--checkpoint", metavar="FILE", help="the weights that the model is given")
    add("-o", "--output", metavar="FILE", help="where it is written: .safetensors, .pt, ...")
    add("--key", metavar="KEY", help="where a torch file has its weights")
    add("--samples", type=whole_number, metavar="N", default=SAMPLES, help=f"how many ({SAMPLES})")
    add("--labels", type=_labels, metavar="WHICH", default="sampled",
        help="labels: sampled from the model (the true Fisher information), or given by the "
        "data (the empirical one)")  # fmt: skip
    add("--force", action="store_true", help="replace the output if it exists")
    add("--python", metavar="PATH", help="interpreter for the script")
    return parser


def _labels(text: str) -> str:
    if text not in LABELS:
        hint = did_you_mean(text, LABELS)
        raise argparse.ArgumentTypeError(f"must be sampled or given, received {text!r}{hint}")
    return text
