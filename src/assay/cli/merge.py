"""`assay merge`: one checkpoint made of several."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..fusion.asked import (
    DTYPES,
    Asked,
    can_be_output,
    layer_of,
    method_of,
    numbers,
)
from ..fusion.evaluating import Evaluation, read_command
from ..fusion.fusing import Scripts, Search, fuse, needs
from ..fusion.optimising import needs_optuna
from ..fusion.worker import Worker
from ..launch.errors import LaunchError
from ..merging.methods import METHODS
from .complaint import complain
from .options import can_be_written
from .words import Parser, did_you_mean, whole_number
from .written import write_json

GREEDY = "greedy-soup"
"""Not a method but a search: which of the inputs are averaged."""


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Returns:
        0 if the merge was written, or the inputs compared where no output was named; 1 if it is
        worse than every input, and so was not written.

    Raises:
        LaunchError: Something can't be understood, read, merged or written.
    """
    given = _parser().read(words)
    asked = _asked(given)
    if asked.output is not None:
        read = (*asked.inputs, *asked.fishers, *([asked.base] if asked.base else ()))
        can_be_output(asked.output, read, force=given.force)
    if given.json is not None:
        can_be_written(given.json)
    evaluation = _evaluation(given, given.evaluate, "--evaluate")
    search = Search(
        given.method == GREEDY, given.optimise, _evaluation(given, given.prove, "--prove")
    )
    needs(search, evaluation)
    if given.optimise is not None:
        needs_optuna()
    from ..report.fused import show_fused

    align, calibrate = (
        text and read_command(text, said, given.python)
        for said, text in (("--align", given.align), ("--calibrate", given.calibrate))
    )
    scripts = Scripts(evaluation, align, calibrate, given.python)
    with Worker(given.python) as worker:
        fused = fuse(worker, asked, scripts, search, anyway=given.anyway, told=complain)
    show_fused(fused)
    if given.json is not None and not write_json(fused.as_dict(), given.json):
        return 2
    return int(bool(fused.refused))


def _evaluation(given: argparse.Namespace, text: str | None, said: str) -> Evaluation | None:
    if text is None:
        return None
    return Evaluation.read(text, said, given.metric, given.python, maximise=given.maximise)


def _parser() -> Parser:
    parser = Parser(
        prog="assay merge",
        usage="assay merge [OPTIONS] CHECKPOINT CHECKPOINT... -o FILE",
        description="Make one checkpoint of several, tensor by tensor. A checkpoint is a "
        "safetensors file, a file of torch.save, or a folder of shards with an index. Without -o "
        "the inputs are only compared.",
    )
    add = parser.add_argument
    add("inputs", nargs="*", metavar="CHECKPOINT", help="what is merged; it is never written")
    add("-o", "--output", metavar="FILE", help="the merge: .safetensors, or .pt and the like")
    add("--method", metavar="NAME", default="average",
        help=f"NAME,key=value; one of {', '.join(METHODS)}, or {GREEDY} (average)")  # fmt: skip
    add("--weights", metavar="A,B", help="how much each input counts, in their order")
    add("--counts", metavar="A,B", help="the same as numbers of samples: federated averaging")
    add("--base", metavar="FILE", help="the checkpoint from which all inputs were trained")
    add("--fisher", action="append", default=[], metavar="FILE",
        help="diagonal Fisher information of an input; once for each, in their order")  # fmt: skip
    add("--layer", action="append", default=[], metavar="PATTERN=METHOD",
        help="merge tensors of such names otherwise: by another method, or weights:A,B; may be "
        "repeated, the first that fits counts")  # fmt: skip
    add("--key", metavar="KEY", help="where a torch file has its weights: model, or model.net")
    add("--dtype", type=_dtype, metavar="TYPE", help=f"of the merge: {', '.join(DTYPES)}")
    add("--evaluate", metavar="COMMAND",
        help="a script that is given a checkpoint, at {} or at its end, and prints how good it is; "
        "a merge that is worse than every input is not written")  # fmt: skip
    add("--align", metavar="COMMAND",
        help="match the units of all inputs to the first; the script calls the model, {} in it is "
        "the first input")  # fmt: skip
    add("--calibrate", metavar="COMMAND",
        help="refresh running statistics of batch norms on the data of this training "
        "script")  # fmt: skip
    add("--metric", metavar="re:PATTERN",
        help="the number in what it prints, if it is not the last one")  # fmt: skip
    add("--maximise", action="store_true", help="more of it is better: an accuracy")
    add("--optimise", type=whole_number, metavar="N",
        help="choose weights, t, scale or density among N points by that metric")  # fmt: skip
    add("--prove", metavar="COMMAND",
        help="the same script on other data, on which a choice is then measured")  # fmt: skip
    add("--anyway", action="store_true", help="write a merge that is worse than every input")
    add("--force", action="store_true", help="replace the output if it exists")
    add("--json", metavar="FILE", help="also write the report as JSON; - is standard output")
    add("--python", metavar="PATH", help="interpreter that has torch")
    return parser


def _asked(given: argparse.Namespace) -> Asked:
    if given.weights is not None and given.counts is not None:
        raise LaunchError("--counts are weights: give one of --weights and --counts")
    said = "--weights" if given.counts is None else "--counts"
    text = given.weights if given.counts is None else given.counts
    weights = (1.0,) * len(given.inputs) if text is None else numbers(text, said)
    method = method_of("average" if given.method == GREEDY else given.method)
    if text is not None and not method.weighted:
        raise LaunchError(f"{said}: {method.name} takes no weights")
    return Asked(
        tuple(given.inputs), given.output, method, weights, given.base, tuple(given.fisher),
        given.key, given.dtype, tuple(map(layer_of, given.layer)),
    )  # fmt: skip


def _dtype(text: str) -> str:
    if text not in DTYPES:
        hint = did_you_mean(text, DTYPES)
        raise argparse.ArgumentTypeError(
            f"must be one of {', '.join(DTYPES)}, received {text!r}{hint}"
        )
    return text
