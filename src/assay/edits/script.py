"""What is known of a run's source: the calls that made the training, found in the user's files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libcst as cst

from ..journal.events import CALLER, MODEL
from ..journal.events import Caller as CallerData
from ..journal.view import Event, RunView
from .reason import NotMechanicalError
from .source import Source


@dataclass(frozen=True, slots=True)
class Caller:
    """A call in the user's file, and what the run's record says of it."""

    source: Source
    call: cst.Call
    facts: dict[str, Any]

    @property
    def statement(self) -> cst.BaseSmallStatement:
        """The simple statement that it stands in."""
        return self.source.statement(self.call)


@dataclass(frozen=True, slots=True)
class Step:
    """Where an optimizer steps: `optimizer` as an expression there, and its GradScaler's if any."""

    caller: Caller
    optimizer: str
    scaler: str | None


class Script:
    """The user's files, read when they are needed.

    Args:
        view: A run of the script as it is, made in a trial.
        files: The user's own files that it loaded; no other is ever edited.
        steps: How many steps a run is given, for edits that depend on it.
    """

    def __init__(self, view: RunView, files: Iterable[str], steps: int | None = None) -> None:
        self.view, self.steps = view, steps or view.steps
        self._files = {str(Path(file).resolve()) for file in files}
        self._sources: dict[str, Source] = {}

    def source(self, file: str) -> Source:
        """Returns a file of the user's.

        Raises:
            NotMechanicalError: It is none that the run has loaded.
        """
        path = str(Path(file).resolve())
        if path not in self._files:
            raise NotMechanicalError(f"{Path(file).name} is no file of yours that could be edited")
        if path not in self._sources:
            self._sources[path] = Source(Path(path))
        return self._sources[path]

    def sources(self) -> list[Source]:
        """Returns all files."""
        return [self.source(file) for file in sorted(self._files)]

    def events(self, of: str) -> list[Event[CallerData]]:
        """Returns what the record says of calls of this sort."""
        found = list(self.view.events(CALLER))
        if not found:
            raise NotMechanicalError("the record does not tell the lines; --fresh makes a new one")
        return [event for event in found if event.data.get("of") == of]

    def callers(self, of: str, *names: str) -> list[Caller]:
        """Returns the calls of this sort in the user's files.

        Args:
            of: As in the probe `callers`.
            names: How the called function is spelled there; any if none is given.

        Raises:
            NotMechanicalError: There is none, or one of them is not spelled out in a file of
                theirs.
        """
        found: dict[cst.Call, Caller] = {}
        for event in self.events(of):
            caller = self._find(event, names)
            found.setdefault(caller.call, caller)
        if not found:
            raise NotMechanicalError(
                f"no line of yours was seen to call {names[0] if names else of}"
            )
        return list(found.values())

    def _find(self, event: Event[CallerData], names: tuple[str, ...]) -> Caller:
        site = event.site
        if site is None:
            raise NotMechanicalError(f"the record does not tell the line of a {event.data['of']}")
        source, end = self.source(site.file), event.data.get("end")
        if end is None and not names:  # several calls on one line are told apart by their names
            built = {"optimizer": event.data.get("cls"), "loader": "DataLoader"}
            names = tuple(filter(None, [built.get(event.data["of"])]))
        spelled = [
            call for call in source.all(cst.Call) if not names or source.called(call) in names
        ]
        if end is not None:
            place = source.offset_of_bytes(*end)
            fitting = [call for call in spelled if source.span(call)[1] == place]
        else:
            begin = source.offset_of_bytes(site.line, 0)
            line = source.text[begin:].splitlines()[0] if source.text[begin:] else ""
            fitting = [
                call
                for call in spelled
                if source.span(call)[0] <= begin + len(line) and source.span(call)[1] > begin
            ]
        if len(fitting) != 1:
            what = f".{names[0]}()" if names else event.data["of"]
            raise NotMechanicalError(f"{site} does not spell out the call of {what}")
        return Caller(source, fitting[0], dict(event.data))

    def steps_taken(self) -> list[Step]:
        """Returns every line where the one optimizer steps.

        Raises:
            NotMechanicalError: There are several optimizers, or none that is stepped by name.
        """
        if len({event.data.get("number") for event in self.events("step")}) > 1:
            raise NotMechanicalError("several optimizers step: only you know which one is meant")
        found = []
        for caller in self.callers("step", "step"):
            source, call = caller.source, caller.call
            assert isinstance(call.func, cst.Attribute)
            receiver, given = source.code(call.func.value), call.args
            scaled = bool(given) and not caller.facts.get("closure")
            if scaled:
                found.append(Step(caller, source.code(given[0].value), receiver))
            else:
                found.append(Step(caller, receiver, None))
        return found

    def optimizer_built(self) -> Caller:
        """Returns the call that built the optimizer that steps.

        Raises:
            NotMechanicalError: There are several, or it is built by a framework.
        """
        numbers = {event.data.get("number") for event in self.events("step")}
        if len(numbers) > 1:
            raise NotMechanicalError("several optimizers step: only you know which one is meant")
        found = [c for c in self.callers("optimizer") if c.facts.get("number") in numbers]
        if len(found) != 1:
            raise NotMechanicalError("the line that built the optimizer is not known")
        return found[0]

    def model(self, near: Caller | None = None) -> tuple[Caller, str]:
        """Returns the one call of the one trained model, and the model as an expression there.

        Args:
            near: If given, the model has to mean the same where this call stands.

        Raises:
            NotMechanicalError: There are several models, or none by name.
        """
        callers = self.callers("model")
        # two models of one class may bear one name
        roots = sum(1 for _ in self.view.events(MODEL))
        spelled = {caller.source.code(caller.call.func) for caller in callers}
        names = {caller.facts.get("module") for caller in callers}
        if len(names) > 1 or (roots > 1 and len(spelled) > 1):
            raise NotMechanicalError("several models are trained")
        for caller in callers:
            code = caller.source.code(caller.call.func)
            if near is None or (
                near.source is caller.source
                and caller.source.same_variable(code, caller.call, near.call)
            ):
                return caller, code
        raise NotMechanicalError("the model has no name where it is needed")
