"""`warmup` and `schedule` as an edit: torch's LambdaLR with the same formula."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from ..tricks.rate.schedule import Schedule
from ..tricks.rate.warmup import Warmup
from .arguments import number
from .imports import spelled
from .patch import Patch
from .reason import NotMechanicalError
from .script import Script
from .variant import Variant, edit


@edit(Warmup)
def warmup(script: Script, trick: Warmup) -> Iterator[Variant]:
    """Writes a line from near 0 to 1."""
    length = int(trick.steps)
    yield lambda patch: _write(patch, script, f"min(1.0, (step + 1) / {length})")


@edit(Schedule)
def schedule(script: Script, trick: Schedule) -> Iterator[Variant]:
    """Writes the curves that are one line of Python."""
    name, settings = trick.curve, dict(trick.settings)
    total = settings.get("total") or script.steps
    end = float(settings.get("end") or 0.0)
    share = f"min(step, {total}) / {total}"
    head = f"{number(end)} + (1 - {number(end)}) * " if end else ""
    gamma = number(float(settings.get("gamma") or 0.1))
    curves = {
        "step": f"{gamma} ** (step // {settings.get('every')})",
        "exponential": f"{gamma}**step",
        "polynomial": f"{head}(1 - {share}) ** {number(float(settings.get('power') or 1.0))}",
        "cosine": f"{head}(1 + {{cos}}({{pi}} * {share})) / 2",
    }
    if name not in curves or trick.mode != "replace":
        raise NotMechanicalError(f"the curve {name} is more than a line of Python")
    yield lambda patch: _write(patch, script, curves[name])


def _write(patch: Patch, script: Script, factor: str) -> None:
    if script.view.schedulers:
        raise NotMechanicalError("the script has a scheduler already, which this must join")
    built = script.optimizer_built()
    source, statement = built.source, built.statement
    if not isinstance(statement, cst.Assign) or statement.value is not built.call:
        raise NotMechanicalError(f"{source.line(built.call)} does not give the optimizer a name")
    name = source.code(statement.targets[0].target)
    owner = name.rpartition(".")[0]
    taken = "scheduler" if "scheduler" not in source.text else "rate_schedule"
    scheduler = f"{owner}.{taken}" if owner else taken
    for step in script.steps_taken():
        where = step.caller
        if where.source is not source or not (
            step.optimizer == name and source.same_variable(name, where.call, built.call)
        ):
            raise NotMechanicalError("the optimizer is built and stepped in different places")
        patch.after(source, where.statement, f"{scheduler}.step()")
    if "{cos}" in factor:
        cos, pi = (spelled(patch, source, f"math.{word}") for word in ("cos", "pi"))
        factor = factor.format(cos=cos, pi=pi)
    cls = spelled(patch, source, "torch.optim.lr_scheduler.LambdaLR")
    patch.after(source, statement, f"{scheduler} = {cls}({name}, lambda step: {factor})")
