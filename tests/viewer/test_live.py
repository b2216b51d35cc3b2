"""Curves while a script runs: only what is new, each line of the journal read once, quickly."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from assay.journal import follow
from assay.journal.follow import Follower
from assay.journal.reader import read_run
from assay.testing.folders import append_lines, optimizer_line, sample_line, steps_line, write_run

RUN = "20260401-101500-train"


def data(ask: Any, run: str, since: int = -1) -> dict[str, Any]:
    answer = ask(f"run/{run}/data?since={since}")
    assert answer.status == 200
    return dict(json.loads(answer.body))


def line_of(answer: dict[str, Any], key: str, label: str) -> dict[str, Any]:
    (panel,) = [panel for panel in answer["panels"] if panel["key"] == key]
    (line,) = [line for line in panel["lines"] if line["label"] == label]
    return dict(line)


def test_all_curves_of_a_run_that_ended(ask: Any) -> None:
    answer = data(ask, RUN)
    assert (answer["state"], answer["running"], answer["wait_ms"]) == ("ended", False, None)
    assert answer["steps"] == 200
    loss = line_of(answer, "loss", "training")
    assert (loss["x"], loss["y"][:2]) == (list(range(200)), [2.0, 1.995])
    assert line_of(answer, "loss", "held-out")["y"] == [1.25, 1.0]
    assert line_of(answer, "accuracy", "held-out")["y"] == [0.75, 0.8]
    assert {"loss", "accuracy", "rate", "gradient"} <= {p["key"] for p in answer["panels"]}


def test_what_is_new(ask: Any, base: Path) -> None:
    run = write_run(base / "live", [optimizer_line()], ended=False)
    append_lines(run, [steps_line(0, [1.0] * 1000)])
    first = data(ask, "live")
    assert (first["running"], first["steps"]) == (True, 1000)
    assert first["wait_ms"] >= 1000
    again = data(ask, "live", first["since"])
    assert len(line_of(again, "loss", "training")["x"]) < 300  # a margin for late samples
    append_lines(run, [steps_line(1000, [0.5] * 20)])
    # a sample that arrives after the losses of its step is in the next answer
    append_lines(run, [sample_line(step, {"grad_norm": {"": 2.0}}) for step in (900, 1010)])
    second = data(ask, "live", again["since"])
    loss = line_of(second, "loss", "training")
    assert loss["x"] == list(range(again["since"] + 1, 1020))
    assert loss["y"][-20:] == [0.5] * 20
    assert line_of(second, "gradient", "norm")["x"] == [900, 1010]


def test_what_is_told_bit_by_bit_is_the_whole(ask: Any, base: Path) -> None:
    """The page's own rule: forget what lies past `since`, add what comes."""
    run = write_run(base / "live", [optimizer_line()], ended=False)
    held: dict[int, float] = {}
    since = -1
    for first in range(0, 3000, 100):
        append_lines(run, [steps_line(first, [(first + i) % 7 + 0.5 for i in range(100)])])
        answer = data(ask, "live", since)
        held = {step: value for step, value in held.items() if step <= since}
        line = line_of(answer, "loss", "training")
        held.update(zip(line["x"], line["y"], strict=True))
        since = answer["since"]
    assert held == {step: step % 7 + 0.5 for step in range(3000)}


def test_each_byte_is_read_once(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(base / "live", [optimizer_line()], ended=False)
    read = []
    parse = follow._parsed
    monkeypatch.setattr(follow, "_parsed", lambda raw: (read.append(len(raw) + 1), parse(raw))[1])
    follower = Follower(run)
    for first in range(0, 1000, 100):
        append_lines(run, [steps_line(first, [1.0] * 100)])
        view, news = follower.read()
        assert (view.steps, news) == (first + 100, True)
    assert follower.read()[1] is False
    assert sum(read) == (run / "journal-1.jsonl").stat().st_size


def test_following_ends_with_what_reading_finds(base: Path, tmp_path: Path) -> None:
    whole = (base / RUN / "journal-1.jsonl").read_bytes()
    run = write_run(tmp_path / "slow")
    journal = run / "journal-1.jsonl"
    journal.write_bytes(b"")
    follower = Follower(run)
    for end in range(0, len(whole) + 37, 37):  # torn at any place
        journal.write_bytes(whole[:end])
        view, _ = follower.read()
    expected = read_run(base / RUN)
    assert view.errors == []
    assert repr(view.trainings) == repr(expected.trainings)


def test_long_lines_in_small_pieces(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_CHUNK", 16)
    view, _ = Follower(base / RUN).read()
    assert repr(view.trainings) == repr(read_run(base / RUN).trainings)


def test_processes_that_meet_their_optimizers_late(base: Path) -> None:
    run = write_run(base / "two", [optimizer_line(0), steps_line(0, [1.0])], ended=False)
    append_lines(run, [{"k": "begin", "pid": 2, "time": 1775038501.0}], pid=2)
    append_lines(run, [optimizer_line(0, "Adam"), steps_line(0, [2.0, 2.0])], pid=2)
    follower = Follower(run)
    follower.read()
    append_lines(run, [optimizer_line(1, "SGD"), steps_line(0, [3.0] * 3, 1)])
    view, _ = follower.read()
    found = {t.index: (t.optimizer, list(t.series("loss").values)) for t in view.trainings}
    assert found == {0: ("SGD", [1.0]), 1: ("Adam", [2.0, 2.0]), 2: ("SGD", [3.0] * 3)}


def test_processes_are_joined_as_the_reader_joins_them(base: Path) -> None:
    def process(pid: int) -> list[dict[str, Any]]:
        groups = [{"count": 1, "elements": 8}]
        return [
            {"k": "setup", "versions": {"python": "3"}, "sources": ["a.py", f"{pid}.py"]},
            {"k": "built", "n": 0, "cls": "Adam", "groups": groups, "site": ["a.py", 4, "f"]},
            {"k": "built", "n": 1, "cls": "SGD", "groups": groups},
            {"k": "scheduler", "n": 0, "cls": "StepLR", "settings": {"gamma": 0.1}, "built": 1},
            {"k": "model", "root": "Net", "cls": "Net", "modules": [["0", "Linear", True]],
             "shared": [["module", ["a", "b"]]],
             "parameters": [["0.weight", [8], "float32", True]]},
            {**optimizer_line(0), "built": 1},
            steps_line(0, [1.0, 2.0]),
            {"k": "scheduled", "n": 0, "s": 1, "count": 1},
            {"k": "event", "e": "seed", "i": 0, "s": 0, "o": 0,
             "data": {"of": "torch", "value": 0}},
            {"k": "skip", "what": "w", "why": f"of {pid}"},
            {"k": "error", "where": "w", "error": f"of {pid}", "by": "origins"},
            {"k": "cost", "samples": 2, "own_s": 0.5, "opening_s": 0.1, "iterations": 3,
             "last": pid},
        ]  # fmt: skip

    run = write_run(base / "two", process(1))
    begin = {"k": "begin", "pid": 2, "time": 1775038501.0, "rank": 1, "world": 2}
    append_lines(run, [begin, *process(2)], pid=2)
    worker = {"of": 1, "base": 7, "worker": 0, "states": {"torch": 5}}
    (run / "workers.jsonl").write_text(json.dumps(worker) + "\n")
    (run / "trouble-3").write_text("recording stopped")
    follower = Follower(run)
    follower.read()
    view, news = follower.read()
    expected = read_run(run)
    assert not news
    assert (len(view.optimizers), len(view.schedulers), len(view.workers)) == (4, 2, 1)
    for name in ("trainings", "modules", "parameters", "shared", "optimizers", "schedulers",
                 "workers", "all_events", "skipped", "failed", "errors"):  # fmt: skip
        assert repr(getattr(view, name)) == repr(getattr(expected, name)), name
    expected.facts.pop("reached")
    expected.facts.pop("stepping_s")
    assert view.facts == expected.facts


def test_another_run_in_the_same_folder(ask: Any, base: Path) -> None:
    assert data(ask, RUN)["steps"] == 200
    (base / RUN / "journal-1.jsonl").unlink()
    write_run(base / RUN, [optimizer_line(), steps_line(0, [7.0] * 3)])
    assert line_of(data(ask, RUN), "loss", "training")["y"] == [7.0] * 3


def test_curves_of_one_name_are_told_apart(ask: Any, base: Path) -> None:
    run = write_run(base / "two", [optimizer_line(), steps_line(0, [1.0] * 3)])
    append_lines(run, [{"k": "begin", "pid": 2, "time": 1775038501.0}], pid=2)
    append_lines(run, [optimizer_line(), steps_line(0, [2.0] * 3)], pid=2)
    panel = data(ask, "two")["panels"][0]
    assert [line["label"] for line in panel["lines"]] == [
        "training, process 1", "training, process 2",
    ]  # fmt: skip


def test_a_long_run_is_thinned_and_keeps_its_spike(ask: Any, base: Path) -> None:
    lines = [steps_line(first, [1.0] * 100) for first in range(0, 100_000, 100)]
    lines[500] = steps_line(50_000, [1.0] * 50 + [99.0] + [1.0] * 49)
    write_run(base / "long", [optimizer_line(), *lines])
    began = time.monotonic()
    answer = ask("run/long/data")
    took = time.monotonic() - began
    assert len(answer.body) < 400_000
    assert max(line_of(json.loads(answer.body), "loss", "training")["y"]) == 99.0
    assert took < 10
    began = time.monotonic()
    ask("run/long/data")
    assert time.monotonic() - began < max(1.0, took)


def test_a_step_is_shown_within_two_seconds(ask: Any, base: Path) -> None:
    """A page asks again after `wait_ms`: what was written just after an answer is in the next."""
    run = write_run(base / "live", [optimizer_line()], ended=False)
    since, seen, written = -1, {}, {}
    stop = threading.Event()

    def train() -> None:
        for step in range(0, 40, 2):
            append_lines(run, [steps_line(step, [1.0, 1.0])])
            written[step + 1] = time.monotonic()
            if stop.wait(0.15):
                return

    thread = threading.Thread(target=train)
    thread.start()
    try:
        end = time.monotonic() + 240
        while max(seen, default=0) < 39 and time.monotonic() < end:
            answer = data(ask, "live", since)
            since = answer["since"]
            for panel in answer["panels"]:
                for line in panel["lines"]:
                    for step in line["x"]:
                        seen.setdefault(step, time.monotonic())
            time.sleep((answer["wait_ms"] or 1000) / 1000)
    finally:
        stop.set()
        thread.join()
    late = sorted(seen[step] - written[step] for step in written if step > 1)
    assert late[len(late) // 2] < 2.0  # a busy machine may hold one of them up


def test_a_thousand_requests_one_after_another(ask: Any) -> None:
    paths = ("", f"run/{RUN}/data?since=100", f"run/{RUN}/", "static/view.css", "nosuch")
    statuses = [ask(paths[i % len(paths)]).status for i in range(1000)]
    assert statuses == [200, 200, 200, 200, 404] * 200


@pytest.mark.parametrize("path", [f"run/{RUN}/report.html", f"run/{RUN}/data", ""])
def test_fifty_requests_at_once(ask: Any, path: str) -> None:
    ready = threading.Barrier(50)

    def one(_: int) -> tuple[int, bytes]:
        ready.wait(20)
        answer = ask(path)
        return answer.status, answer.body

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(one, range(50)))
    ((status, body),) = answers  # the same for all
    assert status == 200
    assert body
    assert ask("").status == 200
