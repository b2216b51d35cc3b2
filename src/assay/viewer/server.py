"""The server: who may ask, for what, and what each answer forbids the browser to do."""

from __future__ import annotations

import json
import secrets
import sys
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from ..journal.reader import read_account
from ..journal.view import RunView
from ..report import page
from . import pages
from .comparing import told
from .live import Records
from .runs import Outside, command, find, listed

LOOPBACK = "127.0.0.1"
PATIENCE_S = 20
"""A connection that says nothing for so long is closed."""
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"


class Viewer(ThreadingHTTPServer):
    """Serves a folder of runs on the loopback address.

    Args:
        base: The folder of all runs.
        port: Where to listen; 0 for any port that is free.

    Raises:
        OSError: The port can't be had.
    """

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, base: Path, port: int = 0) -> None:
        self.base = base
        self.token = secrets.token_urlsafe(24)
        self.records, self.reports = Records(), pages.Reports()
        super().__init__((LOOPBACK, port), _Handler)
        self.hosts = {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Passes over a browser that went away; tells anything else in one line."""
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            _tell(error)


class _Refused(Exception):
    """What can't be had: a status, and a line that gives nothing away."""

    def __init__(self, status: HTTPStatus, line: str) -> None:
        super().__init__(line)
        self.status, self.line = status, line


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Viewer
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_S

    def __getattr__(self, name: str) -> Any:
        # the base class looks for do_POST and the like; every method but GET ends here
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def version_string(self) -> str:
        """Says no more than it must."""
        return "assay"

    def log_message(self, format: str, *args: object) -> None:
        """Writes nothing down, since the address holds the token."""

    def _refuse_method(self) -> None:
        self.close_connection = True  # what follows may be a body that nobody reads
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"only GET\n", Allow="GET")

    def do_GET(self) -> None:
        """Answers, or says why not."""
        try:
            kind, body, policy = self._answer()
        except _Refused as refused:
            self._send(refused.status, "text/plain", f"{refused.line}\n".encode())
        except Outside:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")
        except ConnectionError:
            raise
        except Exception as error:  # one page that can't be made must not end the rest
            _tell(error)
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", b"can't be shown\n")
        else:
            self._send(HTTPStatus.OK, kind, body, policy)

    def _answer(self) -> tuple[str, bytes, str]:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0].strip().lower() not in self.server.hosts:
            # a page elsewhere may have its name point to this machine
            raise _Refused(HTTPStatus.MISDIRECTED_REQUEST, "not for this host")
        path, _, query = self.path.partition("?")
        first, *rest = path.removeprefix("/").split("/")
        given = unquote(first).encode("utf-8", "replace")
        if not secrets.compare_digest(given, self.server.token.encode()):
            raise _Refused(HTTPStatus.FORBIDDEN, "wrong token: open the address that was printed")
        return self._route([unquote(part) for part in rest], parse_qs(query))

    def _route(self, rest: list[str], query: dict[str, list[str]]) -> tuple[str, bytes, str]:
        base, own = self.server.base, pages.OWN_POLICY
        match rest:
            case [""]:
                return _HTML, _encoded(pages.runs_page(listed(base), base)), own
            case ["runs.json"]:
                return _JSON, json.dumps([run.as_dict() for run in listed(base)]).encode(), own
            case ["static", name] if (found := pages.static(name)) is not None:
                return f"{found[0]}; charset=utf-8", found[1], own
            case ["compare"]:
                return _HTML, self._compare(query.get("run", [])), own
            case ["run", name, ""]:
                run = find(base, name)
                return _HTML, _encoded(pages.run_page(name, _command(run))), own
            case ["run", name, "data"]:
                answer = self.server.records.of(find(base, name)).since(_step(query))
                data = json.dumps(answer, separators=(",", ":"), allow_nan=False)
                return _JSON, data.encode(), own
            case ["run", name, page.NAME]:
                policy = f"{page.policy()}; frame-ancestors 'none'"
                return _HTML, self.server.reports.of(find(base, name)), policy
        raise Outside

    def _compare(self, names: list[str]) -> bytes:
        if len(names) != 2:
            raise _Refused(HTTPStatus.BAD_REQUEST, "choose two runs to compare")
        runs = [find(self.server.base, name) for name in names]
        return _encoded(pages.compare_page(names, [_command(run) for run in runs], told(runs)))

    def _send(
        self,
        status: HTTPStatus,
        kind: str,
        body: bytes,
        policy: str = "default-src 'none'; frame-ancestors 'none'",
        **headers: str,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        for name, value in (
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),  # the address holds the token
            ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cache-Control", "no-store"),
            *headers.items(),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _command(run: Path) -> str:
    view = RunView()
    read_account(run, view)
    return command(view.facts)


def _step(query: dict[str, list[str]]) -> int:
    """Returns the step after which a page asks.

    Raises:
        _Refused: It is no whole number.
    """
    text = query.get("since", ["-1"])[-1]
    try:
        return max(int(text[:20]), -1)
    except ValueError:
        raise _Refused(HTTPStatus.BAD_REQUEST, "since must be a whole number") from None


def _tell(error: BaseException | None) -> None:
    where = traceback.extract_tb(error.__traceback__)[-1] if error is not None else None
    at = f" ({Path(where.filename).name}:{where.lineno})" if where is not None else ""
    sys.stderr.write(f"assay: {type(error).__name__}: {' '.join(str(error).split())}{at}\n")
