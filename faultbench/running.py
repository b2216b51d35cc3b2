"""Runs tools over scripts: in their own environments, in parallel, bounded, resumable."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .adapters.base import Adapter
from .attach import find
from .catalogue import ROOT, Case
from .disguise import disguised

PLAIN = "plain"
"""The script alone: what the costs are compared with, and whether it dies by itself."""
CACHE = Path(os.environ.get("FAULTBENCH_CACHE", Path.home() / ".cache" / "faultbench"))
BASE_TORCH = "2.13.0"


@dataclass(frozen=True)
class Task:
    """One tool on one script."""

    tool: str
    case: str
    variant: str
    script: Path
    reference: Path

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it in the results."""
        return self.tool, self.case, self.variant


class Plain(Adapter):
    """No tool at all."""

    name = PLAIN

    def applies(self, source: str) -> str:
        """Returns nothing: it is only run."""
        return ""

    def command(self, python: str, script: Path, out: Path) -> list[str]:
        """Returns what a user types."""
        return [python, str(script)]

    def trouble(self, out: Path) -> str:
        """Returns nothing: a script that dies has a fault, not this."""
        return ""


def adapter(name: str) -> Adapter:
    """Returns the adapter of a tool."""
    return Plain() if name == PLAIN else find(name)()


def tasks(tools: Sequence[str], cases: Iterable[Case]) -> list[Task]:
    """Returns what there is to run, case by case, so that an interrupted run compares all tools."""
    return [
        Task(tool, case.name, variant, path, case.scripts["fixed"] if variant == "sick" else path)
        for case in cases
        for variant, path in case.scripts.items()
        for tool in (PLAIN, *tools)
        if not (tool == "assay-fix" and variant != "sick")
    ]


# -- environments -------------------------------------------------------------------------------


def environment(tool: Adapter) -> str:
    """Returns the interpreter of a tool's own environment, made where it is missing.

    It takes torch from the environment that faultbench runs in, so that no resolver picks another
    one, and everything else that the tool asks for from the package index.

    Raises:
        RuntimeError: It can't be installed, and pip's last words.
    """
    if not tool.requirements:
        return sys.executable
    wanted = hashlib.sha256(repr((tool.requirements, BASE_TORCH)).encode()).hexdigest()[:8]
    folder = CACHE / "envs" / f"{tool.name}-{wanted}"
    python = folder / "bin" / "python"
    if (folder / "ready").exists():
        return str(python)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    packages = next((folder / "lib").glob("python*")) / "site-packages"
    shared = [path for path in sys.path if path.endswith(("site-packages", "/src"))]
    (packages / "zz_base.pth").write_text("\n".join(shared) + "\n", encoding="utf-8")
    pins = folder / "pins.txt"
    pins.write_text(f"torch=={BASE_TORCH}\n", encoding="utf-8")
    made = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--constraint", str(pins), *tool.requirements],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError("can't be installed: " + made.stderr.strip()[-600:])
    (folder / "ready").touch()
    return str(python)


def version(tool: Adapter, python: str) -> str:
    """Returns the installed version of a tool's package."""
    package = tool.package or ("assay" if tool.name.startswith("assay") else "torch")
    asked = subprocess.run(
        [python, "-c", f"import importlib.metadata as m; print(m.version({package!r}))"],
        capture_output=True, text=True,
    )  # fmt: skip
    return asked.stdout.strip()


# -- runs ---------------------------------------------------------------------------------------


class Runner:
    """Runs tasks and appends one line of JSON for each to the results.

    Args:
        results: The JSONL; what it holds is not run again.
        outputs: Folder of what the tools left, one folder a cell.
        jobs: How many at a time.
    """

    def __init__(self, results: Path, outputs: Path, jobs: int) -> None:
        self.results, self.outputs, self.jobs = results, outputs, jobs
        self.lock = threading.Lock()
        self.pythons: dict[str, str] = {}

    def run(self, wanted: Sequence[Task], stop_at: float = float("inf")) -> None:
        """Runs what is not done yet.

        Args:
            wanted: The tasks.
            stop_at: `time.monotonic()` after which none is begun.
        """
        done = {line_key(line) for line in read_results(self.results)}
        todo = [task for task in wanted if task.key not in done]
        broken: dict[str, str] = {}
        for name in dict.fromkeys(task.tool for task in todo):
            try:
                self.pythons[name] = environment(adapter(name))
            except RuntimeError as error:
                broken[name] = str(error)

        def one(task: Task) -> None:
            if time.monotonic() < stop_at:
                self.note(self.cell(task, broken.get(task.tool, "")))

        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(one, todo))

    def cell(self, task: Task, broken: str) -> dict[str, Any]:
        """Runs one task to its end or its limit."""
        tool = adapter(task.tool)
        line: dict[str, Any] = {"tool": task.tool, "case": task.case, "variant": task.variant}
        source = task.script.read_text(encoding="utf-8")
        if why := broken or tool.applies(source):
            return line | {"trouble": why, "applies": False}
        out = self.outputs / task.tool / task.case.replace("/", ".") / task.variant
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        script = out / "script.py"  # a neutral name
        script.write_text(disguised(source), encoding="utf-8")
        if tool.wants_reference:
            known_good = disguised(task.reference.read_text(encoding="utf-8"))
            (out / "reference.py").write_text(known_good, encoding="utf-8")
        python = self.pythons[task.tool]
        ran = bounded(tool.command(python, script, out), out, tool.limit_s)
        return line | ran | {"trouble": tool.trouble(out)}

    def note(self, line: dict[str, Any]) -> None:
        """Appends a result."""
        with self.lock, self.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            cell = f"{line['tool']} on {line['case']} ({line['variant']})"
            print(f"{cell}: {line.get('trouble', '').strip()[-80:] or 'done'}", file=sys.stderr)


def bounded(command: Sequence[str], out: Path, limit: float) -> dict[str, Any]:
    """Runs a command in a folder, its output kept there, and ends it and its children at a limit.

    Returns:
        Its exit status, seconds, CPU seconds (with those of its children), whether it ran out of time.
    """
    inherited = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "COLUMNS": "120"}
    inherited |= dict.fromkeys(
        ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "ACCELERATE_USE_CPU"), "1"
    )
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    inherited["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    began = time.monotonic()
    with (out / "stdout.txt").open("wb") as stdout, (out / "stderr.txt").open("wb") as stderr:
        process = subprocess.Popen(
            list(command), cwd=out, env=inherited, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=stderr, start_new_session=True,
        )  # fmt: skip
        overran = threading.Event()

        def end() -> None:
            overran.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, end)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "exit": process.returncode,
        "seconds": round(time.monotonic() - began, 2),
        "cpu": round(usage.ru_utime + usage.ru_stime, 2),
        "overran": overran.is_set(),
    }


def read_results(path: Path) -> list[dict[str, Any]]:
    """Returns the lines of a results file, the last one of each cell."""
    if not path.exists():
        return []
    lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines() if text]
    return list({line_key(line): line for line in lines}.values())


def line_key(line: dict[str, Any]) -> tuple[str, str, str]:
    """Returns what names a result."""
    return line["tool"], line["case"], line["variant"]
