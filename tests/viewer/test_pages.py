"""What is shown: the runs, a run, two runs; escaped, and with headers that let nothing else in."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from assay.report import page
from assay.testing.folders import STARTED_S, append_lines, steps_line, write_run
from assay.viewer import Viewer

RUN, FAILED, HOSTILE = "20260401-101500-train", "20260402-101500-train", '20260403-<b>"&'
WRITTEN = "<img src=x onerror=alert(1)>\"'&{{7*7}}"


class Seen(HTMLParser):
    """Tags, links and the text that a reader sees."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.links += [value or "" for name, value in attrs if name == "href" and tag == "a"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_list(ask: Any) -> None:
    seen = Seen(ask("").body)
    assert [unquote(link) for link in seen.links if link.startswith("run/")] == [
        f"run/{name}/report.html" for name in (HOSTILE, FAILED, RUN)
    ]
    words = " ".join(seen.text.split())
    assert "python train.py ended 200 0.5 12.5 s" in words
    assert "python train.py exit status 1 50 3 12.5 s" in words


def test_an_empty_folder(ask: Any, base: Path, tmp_path: Path) -> None:
    for run in list(base.iterdir()):
        run.rename(tmp_path / run.name)
    assert "No run here yet" in Seen(ask("").body).text


@pytest.mark.parametrize("path", ["", "run/{}/", "run/{}/report.html", "compare?run={}&run={}"])
def test_hostile_words_are_text(ask: Any, path: str) -> None:
    from urllib.parse import quote

    body = ask(path.replace("{}", quote(HOSTILE))).body
    seen = Seen(body)
    assert "img" not in seen.tags
    assert "b" not in seen.tags or "compare" in path  # its own letters are bold
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert b"<img src=x" not in body
    assert b"49" not in re.findall(rb"&amp;(\d+)", body)
    if "report" not in path:
        assert WRITTEN in seen.text.replace("'\"'\"'", "'")


def test_data_holds_hostile_words_as_data(ask: Any) -> None:
    from urllib.parse import quote

    answer = ask(f"run/{quote(HOSTILE)}/data")
    assert answer.headers["content-type"] == "application/json"
    assert WRITTEN in json.dumps(json.loads(answer.body), ensure_ascii=False).replace('\\"', '"')


@pytest.mark.parametrize(
    ("path", "kind"),
    [("", "text/html"), (f"run/{RUN}/", "text/html"), (f"run/{RUN}/data", "application/json"),
     (f"run/{RUN}/report.html", "text/html"), ("runs.json", "application/json"),
     ("static/view.js", "text/javascript"), ("static/view.css", "text/css"),
     ("static/uplot.js", "text/javascript"), ("nosuch", "text/plain"), ("/", "text/plain")],
)  # fmt: skip
def test_headers(ask: Any, viewer: Viewer, path: str, kind: str) -> None:
    headers = ask(path).headers
    assert headers["content-type"].partition(";")[0] == kind
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "http" not in policy


def test_two_runs_are_told_apart(ask: Any) -> None:
    seen = Seen(ask(f"compare?run={RUN}&run={FAILED}").body)
    words = " ".join(seen.text.split())
    assert "apart What can explain it: folder and torch without a seed." in words
    assert "They part at step 0, by their losses, 2 and 3" in words
    assert "step 0: here they part" in words
    assert '"marks":[{"step":0,"severity":"warning"}]' in words
    alone = " ".join(Seen(ask(f"compare?run={RUN}&run={RUN}").body).text.split())
    assert "It is one run, twice." in alone
    assert "here they part" not in alone


def test_no_page_needs_what_its_policy_forbids(ask: Any) -> None:
    for path in ("", f"run/{RUN}/", f"compare?run={RUN}&run={FAILED}"):
        body = ask(path).body.decode()
        assert "style=" not in body
        assert re.findall(r"<script(?! src=| type=\"application/json\")", body) == []
        for address in re.findall(r'(?:src|href)="([^"]*static/[^"]*)"', body):
            depth = path.partition("?")[0].count("/")
            assert address.startswith("./" if depth == 0 else "../" * depth)
            assert ask(f"static/{address.rpartition('/')[2]}").status == 200


def test_the_report_is_made_once(ask: Any, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    render = page.render_page

    def count(report: Any) -> str:
        made.append(report)
        return render(report)

    monkeypatch.setattr(page, "render_page", count)
    first = ask(f"run/{RUN}/report.html")
    assert first.body == ask(f"run/{RUN}/report.html").body
    assert len(made) == 1
    assert page.policy() in first.headers["content-security-policy"]
    append_lines(viewer.base / RUN, [steps_line(200, [9.0] * 10)])
    assert ask(f"run/{RUN}/report.html").body != first.body
    assert len(made) == 2


def test_the_file_in_the_run_folder_is_shown(ask: Any, base: Path) -> None:
    made = ask(f"run/{RUN}/report.html").body
    written = made.replace(b"<title>", b"<title>as written: ")
    (base / RUN / "report.html").write_bytes(written)
    assert ask(f"run/{RUN}/report.html").body == written


def test_a_report_of_other_scripts_is_made_anew(ask: Any, base: Path) -> None:
    (base / RUN / "report.html").write_text("<script>alert(1)</script>")
    answer = ask(f"run/{RUN}/report.html")
    assert b"alert(1)" not in answer.body
    assert answer.body.startswith(b"<!doctype html>")


def test_a_damaged_record_is_shown_as_far_as_it_goes(ask: Any, base: Path) -> None:
    (base / RUN / "run.json").write_text("{")
    with (base / RUN / "journal-1.jsonl").open("ab") as file:
        file.write(b'\xff\xfe\n[1]\n{"k": "steps"}\nnull\n' + b'{"k":"st')
    for path in ("", f"run/{RUN}/", f"run/{RUN}/data", f"run/{RUN}/report.html"):
        assert ask(path).status == 200
    assert json.loads(ask(f"run/{RUN}/data").body)["steps"] == 200


def test_how_a_run_stands(ask: Any, base: Path) -> None:
    lines = [steps_line(0, [1.0] * 5)]
    write_run(base / "running", lines, ended=False)
    pausing = write_run(base / "pausing", [], ended=False, pid=os.getpid())
    append_lines(pausing, lines, pid=os.getpid())
    gone = write_run(base / "gone", lines, ended=False, pid=2**22 + 1)
    write_run(base / "killed", lines, exit_code=None, signal=9)
    for run in (pausing, gone):
        for path in run.iterdir():
            os.utime(path, (STARTED_S, STARTED_S))
    for path in pausing.iterdir():
        now = __import__("time").time()
        os.utime(path, (now - 600, now - 600))
    runs = {run["id"]: run["state"] for run in json.loads(ask("runs.json").body)}
    assert runs == {
        "running": "running", "pausing": "running", "gone": "no recorded end",
        "killed": "killed by SIGKILL", RUN: "ended", FAILED: "exit status 1", HOSTILE: "ended",
    }  # fmt: skip
