"""`assay join RUN RUN ...`: one run of the records that several machines have made of one."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..journal.parts import PARTS, members, parts
from ..launch import folder
from ..launch.errors import LaunchError
from ..launch.folder import RUNS
from ..launch.settings import read_settings
from ..signals.ranks import named
from .complaint import complain
from .report import find_run
from .words import Parser


def main(words: Sequence[str]) -> int:
    """Runs the verb.

    Raises:
        LaunchError: There is no such run, or they are not of one training.
    """
    parser = Parser(
        prog="assay join",
        description="Join the records of several machines into one run. Where machines share the "
        "folder of runs that is not needed: reports join them by themselves.",
    )
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", help="a run's id or folder, one a machine"
    )
    parser.add_argument(
        "--run-dir", metavar="DIR", help="where records of runs are kept, if not .assay/runs"
    )
    given = parser.read(words)
    base = Path(given.run_dir) if given.run_dir else read_settings().run_dir or RUNS
    runs = [find_run(run, base) for run in given.runs]
    lacking = _verified(runs)
    runs.sort(key=lambda run: members(run)[0].rank)
    label = re.sub(r"^[\d-]+-", "", runs[0].absolute().name)
    made = folder.create(f"{label}-joined", base=base)
    try:
        for number, run in enumerate(runs):
            shutil.copytree(run, made.path / PARTS / f"{number}-{run.absolute().name}")
        (made.path / "run.json").write_text(json.dumps(_account(made.id, runs), indent=1))
    except OSError as error:
        shutil.rmtree(made.path, ignore_errors=True)
        raise LaunchError(f"can't join into {made.path}: {error}") from None
    count = sum(len(members(run)) for run in runs)
    complain(f"joined {count} ranks of {len(runs)} records: assay report {made.id}")
    if lacking:
        complain(f"no record of {named(lacking)} is among them")
    return 0


def _verified(runs: Sequence[Path]) -> list[int]:
    """Returns the ranks that no run has a record of; refuses runs that are not of one training."""
    if len(runs) < 2:
        raise LaunchError("join takes at least two runs, one a machine")
    if len({run.resolve() for run in runs}) < len(runs):
        raise LaunchError("join takes each run once")
    seen: dict[int, Path] = {}
    worlds: dict[int, Path] = {}
    for run in runs:
        if len(parts(run)) > 1:
            raise LaunchError(f"{run}: is joined already, or lies beside its other parts")
        found = members(run)
        if not found:
            raise LaunchError(f"{run}: holds no rank of a training with others")
        for member in found:
            if seen.setdefault(member.rank, run) != run:
                raise LaunchError(f"rank {member.rank} is in {seen[member.rank]} and in {run}")
            worlds[member.world] = run
    if len(worlds) > 1:
        sizes = " and ".join(f"{world} ({run})" for world, run in sorted(worlds.items()))
        raise LaunchError(f"these are ranks of trainings of other sizes: {sizes}")
    return sorted(set(range(next(iter(worlds)))) - seen.keys())


def _account(name: str, runs: Sequence[Path]) -> dict[str, Any]:
    """Returns what run.json tells: of the machine with the lowest rank, and of the worst end."""
    accounts = []
    for run in runs:
        try:
            account = json.loads((run / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            account = {}
        accounts.append(account if isinstance(account, dict) else {})
    ends = [one for one in accounts if one.get("exit_code") or one.get("signal")]
    worst = {key: ends[0].get(key) for key in ("exit_code", "signal")} if ends else {}
    return {**accounts[0], **worst, "id": name}
