"""Parent side: reads a run folder, whole or torn, into a `RunView`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .attempts import Attempts
from .deaths import read_deaths
from .numbers import from_json
from .parts import has_ended, parts
from .schedulers import Scheduler, StepLine
from .second_runs import read_notes
from .series import Series
from .standing import add_standing
from .view import (
    BuiltOptimizer,
    Evaluation,
    Event,
    Group,
    Module,
    Parameter,
    RunView,
    Shared,
    Site,
    Training,
    Worker,
)

_ACCOUNT: dict[str, Any] = {
    "id": str,
    "command": list,
    "exit_code": (int, type(None)),
    "signal": (int, type(None)),
    "seconds": (int, float, type(None)),
}
"""Types of what run.json tells; a value of another type is as good as not there."""


def read_run(folder: Path) -> RunView:
    """Reads everything that processes of this run have written so far.

    A torn or unreadable line is passed over and counted in `errors`; a missing journal gives a view
    with nothing observed. Raises OSError only if the folder itself can't be read.
    """
    view = RunView()
    read_account(folder, view)
    # how far the bootstrap came: into a Python process, and as far as torch
    view.facts["reached"] = [
        what for what in ("python", "torch") if (folder / f"seen-{what}").exists()
    ]
    folders = parts(folder)
    for part in folders:
        _read_part(part, view, of_another=part != folder)
    if len(folders) > 1:
        view.facts["parts"] = [str(part) for part in folders]
    read_notes(folder, view)
    return view


def _read_part(folder: Path, view: RunView, *, of_another: bool) -> None:
    """Adds what the processes of one machine have written."""
    first = len(view.facts.get("processes", ()))
    for path in sorted(folder.glob("journal-*.jsonl"), key=started):
        ProcessReader(view, path).read()
    read_workers(folder / "workers.jsonl", view)
    # on another machine ranks may still be writing their last lines
    over = not of_another or has_ended(folder)
    read_deaths(folder / "deaths.jsonl", view, first, over=over)
    add_standing(folder, view, first)
    read_troubles(folder, view)


def read_troubles(folder: Path, view: RunView) -> None:
    """Adds what processes wrote that could not keep their journal, or not even begin one."""
    for path in sorted(folder.glob("trouble-*")):
        text = path.read_text(errors="replace").strip()
        if text:
            view.errors.append(text)
    for path in sorted(folder.glob("boot-*.log")):
        view.errors.append(path.read_text(errors="replace").strip().splitlines()[-1])


def read_workers(path: Path, view: RunView) -> None:
    """Adds what workers of data loaders wrote; those of one loader's iteration are a group."""
    if not path.exists():
        return
    for line in _lines(path, view.errors):
        with suppress(LookupError, TypeError, ValueError):
            group = int(line["of"]), int(line["base"])
            drawn = frozenset(map(str, line.get("drawn", ())))
            view.workers.append(Worker(int(line["worker"]), group, dict(line["states"]), drawn))


def read_account(folder: Path, view: RunView) -> None:
    """Adds what run.json tells; a value of a wrong type is left out."""
    try:
        account = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if not isinstance(account, dict):
            raise ValueError("not an object")
        view.facts.update(
            (key, value)
            for key, value in account.items()
            if isinstance(value, _ACCOUNT.get(key, object))
        )
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        view.errors.append(f"run.json can't be read: {error}")


def started(path: Path) -> float:
    """Returns when the process that wrote a journal began; infinity for an empty one."""
    for line in _lines(path, []):
        time = line.get("time")
        return float(time) if isinstance(time, (int, float)) else 0.0
    return math.inf


def _lines(path: Path, errors: list[str]) -> Iterator[dict[str, Any]]:
    bad = 0
    with path.open("rb") as file:
        for raw in file:
            try:
                line = json.loads(raw)
                if not isinstance(line, dict):
                    raise ValueError("not an object")
            except (ValueError, RecursionError):
                bad += 1
                continue
            yield line
    if bad:
        errors.append(f"{path.name}: {bad} unreadable line{'s' if bad > 1 else ''} passed over")


class ProcessReader:
    """Adds one process's journal to a view, at once or as it grows."""

    def __init__(self, view: RunView, path: Path) -> None:
        self._view, self._path = view, path
        self._base = len(view.trainings)
        self._process = len(view.facts.get("processes", ()))
        self._rank = 0
        self._known = {p.name for p in view.parameters}
        self._modules = {m.name for m in view.modules}
        self._took_s: dict[int, float] = {}
        self._attempts = Attempts()
        self._built: dict[int, BuiltOptimizer] = {}
        self._stepped: dict[int, Training] = {}
        self._schedulers: dict[int, Scheduler] = {}

    def read(self) -> None:
        """Reads the whole journal."""
        self.feed(_lines(self._path, self._view.errors))
        self.join()
        if self._took_s:  # two optimizers of one process share its time
            facts = self._view.facts
            facts["stepping_s"] = facts.get("stepping_s", 0.0) + max(self._took_s.values())

    def join(self) -> None:
        """Connects what has been read so far: parameters with groups, optimizers with trainings."""
        self._join_groups()
        self._join_built()

    def feed(self, lines: Iterable[dict[str, Any]]) -> None:
        """Takes line by line; one that doesn't make sense is skipped like a torn one."""
        strange = 0
        for line in lines:
            handler = getattr(self, f"_on_{line.get('k')}", None)
            try:
                if handler is not None:
                    handler(line)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                strange += 1
        if strange:
            self._view.errors.append(f"{self._path.name}: {strange} lines make no sense")

    def _training(self, index: int) -> Training:
        trainings = self._view.trainings
        if not 0 <= index < 10_000:
            raise ValueError(f"training number {index}")
        while len(trainings) <= self._base + index:
            trainings.append(Training(index=len(trainings), rank=self._rank, process=self._process))
        return trainings[self._base + index]

    def _join_groups(self) -> None:
        """Tells each parameter which group holds it."""
        place = {
            name: (training.index, group.index)
            for training in self._view.trainings[self._base :]
            for group in training.groups
            for name in group.parameters
        }
        self._view.parameters[:] = [
            Parameter(p.name, p.shape, p.dtype, p.trainable, place.get(p.name, p.group))
            for p in self._view.parameters
        ]

    def _join_built(self) -> None:
        """Tells each optimizer its training, and each training its optimizer."""
        places = {id(built): place for place, built in enumerate(self._view.optimizers)}
        for number, training in self._stepped.items():
            built = self._built.get(number)
            if built is not None:
                built.training, training.built = training.index, places[id(built)]

    def _on_built(self, line: dict[str, Any]) -> None:
        groups = line["groups"]
        self._built[int(line["n"])] = built = BuiltOptimizer(
            number=int(line["n"]),
            optimizer=line["cls"],
            site=Site.read(line.get("site")),
            counts=tuple(int(group["count"]) for group in groups),
            elements=sum(int(group["elements"]) for group in groups),
            rank=self._rank,
            process=self._process,
        )
        self._view.optimizers.append(built)

    def _on_waits(self, line: dict[str, Any]) -> None:
        built = self._built[int(line["n"])]
        built.passes, built.with_gradient = int(line["passes"]), int(line["with_gradient"])
        built.waiting, built.waiting_count = tuple(line["names"]), int(line["count"])
        built.backward = Site.read(line.get("site"))
        built.in_training, built.moved = line.get("training"), line.get("moved")

    def _on_scheduler(self, line: dict[str, Any]) -> None:
        built = self._built.get(-1 if line.get("built") is None else int(line["built"]))
        place = next((i for i, one in enumerate(self._view.optimizers) if one is built), None)
        known = self._schedulers
        parts = tuple(known[n] for n in line.get("parts") or () if n in known)
        for part in parts:
            part.held = True
        known[int(line["n"])] = scheduler = Scheduler.read(line, Site.read(line.get("site")))
        scheduler.parts, scheduler.optimizer, scheduler.rank = parts, place, self._rank
        self._view.schedulers.append(scheduler)

    def _on_scheduled(self, line: dict[str, Any]) -> None:
        scheduler, step = self._schedulers[int(line["n"])], int(line["s"])
        scheduler.counts.append(step, float(line["count"]))
        for name, series in (
            ("metric", scheduler.metrics),
            ("position", scheduler.positions),
            ("passes", scheduler.passes),
        ):
            if line.get(name) is not None:
                series.append(step, from_json(line[name]))
        scheduler.lines = tuple(
            StepLine(site, int(count), int(together), bool(own[0]) if own else True)
            for row, count, together, *own in line.get("lines") or ()
            if (site := Site.read(row)) is not None
        )

    def _on_process_group(self, line: dict[str, Any]) -> None:
        """Says the rank of a process that the environment did not tell of."""
        self._rank = int(line["rank"])
        for training in self._view.trainings[self._base :]:
            training.rank = self._rank
        for built in self._built.values():
            built.rank = self._rank
        self._view.facts["world"] = max(int(line["world"]), self._view.facts.get("world") or 1)
        self._view.facts["processes"][self._process].update(
            {key: line.get(key) for key in ("rank", "world", "local_rank", "node", "backend")}
        )

    def _on_mesh(self, line: dict[str, Any]) -> None:
        mesh = {"shape": [int(size) for size in line["shape"]], "names": line.get("names")}
        self._view.facts["processes"][self._process]["mesh"] = mesh

    def _on_begin(self, line: dict[str, Any]) -> None:
        self._rank = int(line.get("rank") or 0)
        facts = self._view.facts
        facts.setdefault("processes", []).append(
            {key: line.get(key) for key in ("pid", "rank", "world", "argv", "device", "time", "t")}
        )
        for key in ("torch", "device", "threads"):
            if line.get(key) is not None:
                facts.setdefault(key, line[key])
        if line.get("python") is not None:
            facts.setdefault("versions", {}).setdefault("python", line["python"])
        if line.get("world") is not None:
            facts["world"] = max(int(line["world"]), facts.get("world") or 1)

    def _on_model(self, line: dict[str, Any]) -> None:
        sites = [Site.read(raw) for raw in line.get("sites") or ()]
        for name, kind, training, *more in line["modules"]:  # an older journal ends here
            if name not in self._modules:
                self._modules.add(name)
                at, settings = more or (None, None)
                site = None if at is None else sites[at]
                numbers = {key: _number_in(value) for key, value in (settings or {}).items()}
                self._view.modules.append(Module(name, kind, bool(training), site, numbers))
        for kind, names in line.get("shared") or ():
            self._view.shared.append(Shared(kind, tuple(names)))
        for name, shape, dtype, trainable in line["parameters"]:
            if name not in self._known:
                self._known.add(name)
                self._view.parameters.append(Parameter(name, tuple(shape), dtype, bool(trainable)))
        self._view.all_events.append(
            Event(
                "model",
                0,
                {"root": line["root"], "cls": line["cls"]},
                Site.read(line.get("site")),
                process=self._process,
            )
        )

    def _on_optimizer(self, line: dict[str, Any]) -> None:
        training = self._training(line["o"])
        training.optimizer = line["cls"]
        training.site = Site.read(line.get("site"))
        self._stepped[int(line.get("built", -1))] = training
        training.step_site = Site.read(line.get("step_site"))
        training.began = int(line.get("began") or 0)
        training.groups = tuple(
            Group(
                index,
                tuple(group["names"]),
                {k: v for k, v in group.items() if k not in ("names", "elements")},
                int(group.get("elements") or 0),
            )
            for index, group in enumerate(line["groups"])
        )

    def _on_steps(self, line: dict[str, Any]) -> None:
        training = self._training(line["o"])
        first, losses = int(line["first"]), line["loss"]
        series = training.signals.setdefault("loss", {}).setdefault("", Series())
        for offset, loss in enumerate(losses):
            if loss is not None:
                series.append(first + offset, from_json(loss))
        rates = line.get("lr") or []
        for offset, groups in enumerate(rates):
            for index, rate in enumerate(groups):
                place = training.signals.setdefault("learning_rate", {})
                place.setdefault(f"group {index}", Series()).append(first + offset, from_json(rate))
        training.steps = max(training.steps, first + len(losses))
        if line.get("t"):
            took = self._took_s.get(training.index, 0.0) + float(line["t"][1]) - float(line["t"][0])
            self._took_s[training.index] = took
            times = training.signals.setdefault("time_s", {}).setdefault("", Series())
            times.append(first + len(losses), float(line["t"][1]))

    def _on_sample(self, line: dict[str, Any]) -> None:
        training, step = self._training(line["o"]), int(line["s"])
        training.steps = max(training.steps, step)  # if the block of losses was lost
        self._attempts.replace(training, step, line)
        for signal, row in line["v"].items():
            places = training.signals.setdefault(signal, {})
            for place, value in row.items():  # the reader's hot loop: millions of numbers
                series = places.get(place)
                if series is None:
                    series = places[place] = Series()
                series.steps.append(step)
                series.values.append(value if type(value) is float else from_json(value))

    def _on_scale(self, line: dict[str, Any]) -> None:
        training = self._training(line["o"])
        scales = training.signals.setdefault("loss_scale", {}).setdefault("", Series())
        scales.append(int(line["s"]), from_json(line["v"]))

    def _on_evaluation(self, line: dict[str, Any]) -> None:
        loss, accuracy = (
            None if line.get(key) is None else from_json(line[key]) for key in ("loss", "accuracy")
        )
        self._training(line["o"]).add_evaluation(
            Evaluation(int(line["s"]), str(line["fn"]), loss, accuracy, int(line["n"]))
        )

    def _on_event(self, line: dict[str, Any]) -> None:
        index = line.get("o")
        event = Event(
            line["e"],
            int(line["s"]),
            line["data"],
            Site.read(line.get("site")),
            int(line.get("i") or 0),
            None if index is None else self._base + index,
            self._process,
        )
        self._view.all_events.append(event)
        if (
            event.kind == "conditions" and not self._process
        ):  # better known than when torch was imported
            for key in ("device", "threads"):
                self._view.facts[key] = event.data[key]
        if index is not None:
            self._training(index).events.append(event)

    def _on_skip(self, line: dict[str, Any]) -> None:
        self._view.skipped.setdefault(line["what"], line["why"])

    def _on_error(self, line: dict[str, Any]) -> None:
        self._view.errors.append(f"{line['where']}: {line['error']}")
        if line.get("by"):
            self._view.failed.setdefault(line["by"], line["error"])

    def _on_end(self, line: dict[str, Any]) -> None:
        self._view.facts["processes"][self._process]["ended"] = True

    def _on_stop(self, line: dict[str, Any]) -> None:
        self._view.facts["stopped"] = line["why"]

    def _on_setup(self, line: dict[str, Any]) -> None:
        facts = self._view.facts
        for name, version in line["versions"].items():
            facts.setdefault("versions", {}).setdefault(name, version)
        known = facts.setdefault("sources", [])
        known += [path for path in line["sources"] if path not in known]

    def _on_thinned(self, line: dict[str, Any]) -> None:
        self._view.facts.setdefault("thinned", []).append([line["i"], line["gap"]])

    def _on_asked(self, line: dict[str, Any]) -> None:
        known = self._view.facts.get("asked", {"times": 0, "own_s": 0.0})
        self._view.facts["asked"] = {
            "times": known["times"] + line["times"],
            "own_s": known["own_s"] + line["own_s"],
            "copies": line["copies"],
        }

    def _on_cost(self, line: dict[str, Any]) -> None:
        cost = self._view.facts.setdefault(
            "cost", {"samples": 0, "own_s": 0.0, "opening_s": 0.0, "iterations": 0}
        )
        for key in ("samples", "own_s", "opening_s", "iterations"):
            cost[key] += line.get(key) or 0
        if line.get("last") is not None:
            cost["last"] = max(cost.get("last", 0), int(line["last"]))


def _number_in(value: Any) -> Any:
    """Returns the number that a word stands for; all else as it is."""
    return from_json(value) if isinstance(value, str) else value
