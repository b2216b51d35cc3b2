"""Who may ask, and for what: nothing leaves the folder, and nobody else is let in."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from assay.testing.folders import steps_line, write_run
from assay.viewer import Viewer

RUN = "20260401-101500-train"
GUARDED = ["", f"run/{RUN}/", f"run/{RUN}/report.html", f"run/{RUN}/data", "static/view.js"]


def test_the_token_is_long_and_never_the_same(base: Path) -> None:
    with Viewer(base) as one, Viewer(base) as other:
        assert len(one.token) >= 32
        assert one.token != other.token
        assert one.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("path", GUARDED)
def test_a_wrong_token_is_refused(ask: Any, viewer: Viewer, path: str) -> None:
    token = viewer.token
    assert ask(path).status == 200
    for wrong in ("x", token[:-1], token + "x", token.swapcase(), "%ff%00", "..", "tokén%e9"):
        answer = ask(f"/{wrong}/{path}".encode("ascii", "ignore").decode())
        assert answer.status == 403
        assert token.encode() not in answer.body
    assert ask(f"/{path}").status == 403


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "//", "/?token=x", "/robots.txt"])
def test_without_a_token(ask: Any, path: str) -> None:
    assert ask(path).status == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil:{port}",
     "localhost.evil:{port}", "[::1]:{port}", "0.0.0.0:{port}", ""],
)  # fmt: skip
@pytest.mark.parametrize("path", ["", f"run/{RUN}/data", "/"])
def test_a_foreign_host_is_refused(ask: Any, viewer: Viewer, host: str, path: str) -> None:
    answer = ask(path, host=host.format(port=viewer.server_port))
    assert answer.status == 421
    assert viewer.token.encode() not in answer.body


def test_this_machines_own_names_are_taken(ask: Any, viewer: Viewer) -> None:
    for name in ("127.0.0.1", "localhost", "LOCALHOST"):
        assert ask("", host=f"{name}:{viewer.server_port}").status == 200


def test_two_hosts_are_one_too_many(viewer: Viewer) -> None:
    host = f"127.0.0.1:{viewer.server_port}"
    with socket.create_connection(("127.0.0.1", viewer.server_port), timeout=300) as raw:
        lines = [f"GET /{viewer.token}/ HTTP/1.1", f"Host: {host}", "Host: evil.example", "", ""]
        raw.sendall("\r\n".join(lines).encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 421")


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW"]
)
@pytest.mark.parametrize("path", ["", f"run/{RUN}/data"])
def test_only_get(ask: Any, method: str, path: str) -> None:
    answer = ask(path, method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "path",
    [
        "run/../", "run/../report.html", "run/%2e%2e/data", "run/..%2f..%2fetc/data",
        "run/%2fetc%2fpasswd/", "run//etc/passwd", "run//", "run/./", f"run/{RUN}/../{RUN}/",
        f"run/{RUN}/run.json", f"run/{RUN}/journal-1.jsonl", f"run/{RUN}/..%2frun.json",
        f"run/{RUN}", f"run/{RUN}/report.html/", f"run/{RUN}%00/data", f"run/{RUN}\\/data",
        "run/nosuch/", "run/nosuch/data", "../", "%2e%2e/", "..", "static/../server.py",
        "static/%2e%2e%2fserver.py", "static/", "static/live.js", "static/page.css", "nosuch",
        "compare?run=..&run=..", f"compare?run={RUN}&run=%2fetc", "run/empty/", "run/file/",
    ],
)  # fmt: skip
def test_what_is_not_there(ask: Any, base: Path, path: str) -> None:
    (base / "empty").mkdir()
    (base / "file").write_text("x")
    (base.parent / "run.json").write_text('{"id": "secret"}')
    answer = ask(path)
    assert (answer.status, answer.body) == (404, b"not found\n")


def test_the_absolute_form_of_an_address(ask: Any, viewer: Viewer) -> None:
    answer = ask(f"/{viewer.token}/run/http://127.0.0.1/etc/passwd")
    assert answer.status == 404
    with socket.create_connection(("127.0.0.1", viewer.server_port), timeout=300) as raw:
        host = f"127.0.0.1:{viewer.server_port}"
        target = f"http://evil.example/{viewer.token}/"
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 403")


def test_links_that_lead_out(ask: Any, base: Path, tmp_path: Path) -> None:
    outside = write_run(tmp_path / "outside" / "run", [steps_line(0, [1.0])], command=["secret"])
    (outside / "report.html").write_text("secret")
    (base / "linked").symlink_to(outside)
    inner = write_run(base / "inner", [steps_line(0, [1.0])])
    (inner / "report.html").symlink_to(outside / "report.html")
    journal = write_run(base / "journal", [steps_line(0, [1.0])])
    (journal / "journal-2.jsonl").symlink_to(outside / "journal-1.jsonl")
    account = write_run(base / "account", [steps_line(0, [1.0])])
    (account / "run.json").unlink()
    (account / "run.json").symlink_to(outside / "run.json")
    loop = write_run(base / "loop")
    (loop / "journal-2.jsonl").symlink_to(loop / "journal-2.jsonl")
    for name in ("linked", "journal", "account", "loop"):
        for page in ("", "data", "report.html"):
            assert ask(f"run/{name}/{page}").status == 404
    answer = ask("run/inner/report.html")
    assert answer.status == 200  # made from the record, not read through the link
    assert b"secret" not in answer.body
    assert b"secret" not in ask("").body
    shown = ask("runs.json").body.decode()
    assert '"inner"' in shown
    assert not any(f'"{name}"' in shown for name in ("linked", "journal", "account", "loop"))


def test_a_link_to_a_neighbour_is_that_run(ask: Any, base: Path) -> None:
    (base / "latest").symlink_to(base / RUN)
    assert ask("run/latest/data").body == ask(f"run/{RUN}/data").body


def test_a_pipe_is_not_waited_for(ask: Any, base: Path) -> None:
    os.mkfifo(write_run(base / "pipe") / "journal-2.jsonl")
    os.mkfifo(base / RUN / "report.html")
    assert ask("run/pipe/data").status == 404
    assert ask(f"run/{RUN}/report.html").status == 200


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"run/{RUN}/data?since=x", b"since must be a whole number\n"),
        ("compare", b"choose two runs to compare\n"),
        (f"compare?run={RUN}", b"choose two runs to compare\n"),
        ("compare?run=a&run=b&run=c", b"choose two runs to compare\n"),
    ],
)
def test_what_makes_no_sense(ask: Any, path: str, says: bytes) -> None:
    answer = ask(path)
    assert (answer.status, answer.body) == (400, says)
