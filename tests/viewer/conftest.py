"""A served folder with a few invented runs, and plain requests to it."""

import http.client
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from assay.testing.folders import (
    evaluation_line,
    optimizer_line,
    sample_line,
    steps_line,
    write_run,
)
from assay.viewer import Viewer


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


Ask = Callable[..., Answer]
HOSTILE = "<img src=x onerror=alert(1)>\"'&{{7*7}}"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Three runs: one that ended, one that failed, one with hostile words."""
    runs = tmp_path / "runs"
    lines = [
        optimizer_line(),
        steps_line(0, [2.0 - step / 200 for step in range(100)]),
        sample_line(0, {"grad_norm": {"": 1.5}}),
        sample_line(50, {"grad_norm": {"": 0.5}}),
        evaluation_line(50, 1.25, 0.75),
        evaluation_line(100, 1.0, 0.8),
        steps_line(100, [0.5] * 100),
    ]
    write_run(runs / "20260401-101500-train", lines)
    write_run(
        runs / "20260402-101500-train", [optimizer_line(), steps_line(0, [3.0] * 50)], exit_code=1
    )
    hostile = [optimizer_line(0, HOSTILE), steps_line(0, [1.0, 2.0, 3.0], 0),
               optimizer_line(1, HOSTILE), steps_line(0, [1.0, 2.0, 3.0], 1)]  # fmt: skip
    write_run(runs / '20260403-<b>"&', hostile, command=["python", HOSTILE], id=HOSTILE)
    return runs


@pytest.fixture
def viewer(base: Path) -> Iterator[Viewer]:
    """The server, on a port of its own, in a thread."""
    server = Viewer(base)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ask(viewer: Viewer) -> Ask:
    """One request: a path below the token, or from the root if it begins with a slash."""

    def request(
        path: str, *, method: str = "GET", host: str | None = None, port: int | None = None
    ) -> Answer:
        target = path if path.startswith("/") else f"/{viewer.token}/{path}"
        connection = http.client.HTTPConnection("127.0.0.1", viewer.server_port, timeout=300)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            if host is None:
                host = f"127.0.0.1:{viewer.server_port}"
            if host:
                connection.putheader("Host", host)
            connection.endheaders()
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()

    return request
