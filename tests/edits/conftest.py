"""A script's source and an invented record of its lines, as the probe `callers` would write it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.edits.catalogue import changes
from assay.edits.script import Script
from assay.journal.view import Event, Group, Module, Parameter, RunView, Site, Training
from assay.tricks.reading import read

Calls = Mapping[str, Any]
Edited = Callable[..., list[str]]


def record(path: Path, calls: Calls, **settings: Any) -> RunView:
    """A view with one event for each call; a call is named by its text, or (text, facts)."""
    text = path.read_bytes().decode()
    kinds, roots = settings.pop("modules", ()), settings.pop("roots", 1)
    view = RunView(
        trainings=[
            Training(
                0,
                settings.pop("cls", "SGD"),
                groups=(Group(0, ("weight",), {"lr": 0.1, **settings}),),
                steps=100,
            )
        ],
        parameters=[Parameter("weight", (2, 2), group=(0, 0))],
        modules=[Module(str(number), kind) for number, kind in enumerate(kinds)],
    )
    view.all_events += [Event("model", 0, {})] * roots
    for of, wanted in calls.items():
        for one in wanted if isinstance(wanted, list) else [wanted]:
            code, facts = one if isinstance(one, tuple) else (one, {})
            assert text.count(code) == 1, f"{code!r} is in the text {text.count(code)} times"
            end = text.index(code) + len(code)
            before = text[:end].replace("\r\n", "\n").split("\n")
            at = [len(before), len(before[-1].encode())]
            kind = of.split("#")[0]
            usual = {"number": 0} if kind in ("step", "optimizer", "loader", "loading") else {}
            data = {"of": kind, "end": at, "module": "Net", **usual, **facts}
            begin = text[: text.index(code)].count("\n") + 1
            view.all_events.append(Event("caller", 0, data, Site(str(path), begin)))
    return view


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    """The texts that a script becomes, one for each way of writing the tricks."""

    def edit(source: str, tricks: str, calls: Calls, **settings: Any) -> list[str]:
        path = tmp_path / "train.py"
        path.write_bytes(textwrap.dedent(source).encode())
        view = record(path, calls, **settings)
        script = Script(view, [str(path)], steps=100)
        found = list(changes(script, [read(text) for text in tricks.split("+")]))
        return [files[0].after.decode() for files in found]

    return edit


LOOP = """\
import torch
from torch import nn

model = nn.Linear(4, 2)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in data:
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()  # one step
"""
CALLS = {
    "optimizer": "torch.optim.SGD(model.parameters(), lr=0.1)",
    "model": "model(x)",
    "loss": ("loss_fn(model(x), y)", {"fn": "cross_entropy"}),
    "backward": "loss.backward()",
    "step": "optimizer.step()",
}


def lines_added(before: str, after: str) -> list[str]:
    """Lines of a text that another does not have, without blanks around them."""
    known = before.splitlines()
    return [line.strip() for line in after.splitlines() if line not in known]
