"""Declarations: complete, consistent, and the only names that can be read or written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from assay.journal.events import EVENTS, LOSS_CALL
from assay.journal.reader import read_run
from assay.journal.recorder import Recorder
from assay.journal.schema import PLACES, Declared, Per, Signal
from assay.journal.signals import SIGNALS
from assay.journal.view import Event
from assay.journal.writer import Journal
from assay.probes.catalogue import IN_TRIALS, PROBES
from assay.testing import make_run, make_training

OTHERS = {"clock", "sweep", "ladder", "ending", "repeating", "sequences", "contents", "overlap",
          "tokens"}  # fmt: skip
"""Who records something and is no probe of the catalogue; the last four are shared by others."""


def test_every_declaration_is_by_someone_and_says_something() -> None:
    probes = {probe.name for probe in (*PROBES, *IN_TRIALS)} | OTHERS
    for each in (*SIGNALS.values(), *EVENTS.values()):
        assert each.by in probes, f"{each.name}: there is no probe {each.by}"
        for text in (each.says, each.absent):
            assert text, f"{each.name} says nothing"
            assert not text.endswith("."), f"{each.name}: {text!r}"
    for signal in SIGNALS.values():
        assert signal.per.kinds, f"{signal.name} has no places"
        assert signal.title[0].isupper()
    for event in EVENTS.values():
        assert event.data.__doc__, f"{event.name}: its data says nothing"
    assert set(PLACES) == set(Per)


def test_titles_are_not_shared() -> None:
    titles = [signal.title for signal in SIGNALS.values()]
    assert len(set(titles)) == len(titles)


def test_a_name_is_declared_once() -> None:
    one = Signal("a", "A", "", Per.WHOLE, "clock", "one", "none")
    with pytest.raises(ValueError, match="signal a is declared twice"):
        Declared("signal", (one, one))


def test_a_misspelt_signal_cannot_be_read() -> None:
    run = make_run(grad_norm=[1.0])
    for read in (run.trainings[0].series, run.trainings[0].places):
        with pytest.raises(KeyError, match=r"'grad_nrom'; did you mean grad_norm"):
            read("grad_nrom")
    with pytest.raises(KeyError, match=r"'los_call'; did you mean loss_call"):
        run.events("los_call")


def test_a_unit_test_cannot_invent_names() -> None:
    with pytest.raises(KeyError, match="did you mean grad_norm"):
        make_training(grad_norms=[1.0])
    with pytest.raises(KeyError, match="no event is called 'nothing_like_it'"):
        make_run(events=[Event("nothing_like_it", 0, {})])
    with pytest.raises(KeyError, match=r"event loss_call: no key is called 'inptu'.*input"):
        make_run(events=[Event("loss_call", 0, {"inptu": 1})])


def test_a_name_that_is_not_declared_cannot_be_written(tmp_path: Path) -> None:
    recorder = Recorder(Journal(str(tmp_path)))
    with pytest.raises(KeyError, match="did you mean grad_norm"):
        recorder.put("grad_nrom", "", 1.0)
    with pytest.raises(KeyError, match="no 'fn' is given"):
        LOSS_CALL.verify({"place": "x"})


def test_a_probe_that_writes_an_undeclared_name_never_hurts_the_user(tmp_path: Path) -> None:
    from assay import seams
    from assay.watching.probe import Probe
    from assay.watching.watch import Watch

    class Careless(Probe):
        name = "careless"
        sampled = ("step_end",)

        def on_step_end(self, optimizer: object) -> None:
            self.watch.put("no_such_signal", "", 1.0)

    errors = []
    journal = Journal(str(tmp_path))
    hub = seams.Hub(lambda where, error, by: errors.append(f"{by}: {error}"))
    watch = Watch(hub, journal, {})
    patches = seams.install(hub)
    watch.attach([Careless])
    try:
        weight = torch.ones(1, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        weight.sum().backward()
        optimizer.step()
    finally:
        patches.undo()
        watch.finish()
        journal.close()
    assert weight.item() == pytest.approx(0.9)
    assert len(errors) == 1
    assert errors[0].startswith("careless: \"no signal is called 'no_such_signal'")


def test_a_record_of_another_version_can_be_read(tmp_path: Path) -> None:
    lines = [
        {"k": "begin", "pid": 1},
        {"k": "steps", "o": 0, "first": 0, "loss": [1.0, 0.5], "lr": [[0.1]]},
        {"k": "sample", "o": 0, "s": 0, "v": {"of_tomorrow": {"": 1.0}, "grad_norm": {"": 2.0}}},
        {"k": "event", "e": "of_tomorrow", "s": 0, "data": {"x": 1}},
    ]
    journal = tmp_path / "journal-1.jsonl"
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = read_run(tmp_path)
    assert run.errors == []
    assert run.trainings[0].series("grad_norm").last == 2.0
    assert [event.kind for event in run.all_events] == ["of_tomorrow"]
