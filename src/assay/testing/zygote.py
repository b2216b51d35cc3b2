"""A process that imports torch once and forks itself for every script it is asked to run.

Started as a file, by `assay.testing.warm`, never imported: like the bootstrap it loads the package
under the private name `_assay`, so that a script sees the same modules as under the launcher. It
has one thread and no device when it forks, so a fork is as good as a new interpreter.

Protocol, over the socket whose number is the first argument: messages are JSON after their length
in four bytes. A request is {argv, env, cwd} with three descriptors (standard input, output and
error). Answers are {"started": pid}, and {"ended": pid, "code": n} when that process is over, with
a negative code for a signal. The end of the socket ends this process and all that it has started.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import importlib.util
import io
import json
import os
import random
import runpy
import select
import signal
import socket
import sys
import threading
import types
from importlib.machinery import SourceFileLoader
from typing import Any, NoReturn

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BOOT = os.path.join(PACKAGE, "launch", "boot")


def main() -> NoReturn:
    """Serves requests until the socket ends; returns from `_serve` only in a forked process."""
    control = socket.socket(fileno=int(sys.argv[1]))
    del sys.path[0]  # the folder of this file
    _load()
    request, streams = _serve(control)
    _take_over(request, streams)
    _run(request["argv"][1:])


def _load() -> None:
    """Imports what every observed script would import, and nothing that draws or starts threads."""
    import torch

    torch.set_num_threads(1)
    for name in ("torch._dynamo", "torch.utils.data"):  # any optimizer imports the first
        importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(
        "_assay", os.path.join(PACKAGE, "__init__.py"), submodule_search_locations=[PACKAGE]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["_assay"] = module
    spec.loader.exec_module(module)
    for name in ("session", "seams", "journal.writer", "watching.watch", "probes.catalogue"):
        importlib.import_module(f"_assay.{name}")
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page that it marks


# --- the zygote -------------------------------------------------------------------------------


def _serve(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Forks for each request; returns it in the forked process."""
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    running: set[int] = set()
    while True:
        waiting: list[Any] = [control, awake]
        ready, _, _ = select.select(waiting, [], [])
        if awake in ready:
            os.read(awake, 4096)
            _reap(control, running)
        if control not in ready:
            continue
        head, streams, _, _ = socket.recv_fds(control, 4, 3)
        if not head:
            _end(running)
        request = json.loads(_receive(control, int.from_bytes(head, "big")))
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(before)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            os.close(awake)
            os.close(wake)
            return request, streams
        running.add(pid)
        for stream in streams:
            os.close(stream)
        _send(control, {"started": pid})


def _reap(control: socket.socket, running: set[int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            running.discard(pid)
            _send(control, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _end(running: set[int]) -> NoReturn:
    """Ends this process: whoever asked is gone, or has no more to ask."""
    for pid in running:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    for pid in running:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    os._exit(0)


def _receive(control: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = control.recv(size - len(parts))
        if not part:
            os._exit(1)
        parts += part
    return bytes(parts)


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    raw = json.dumps(message).encode()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        control.sendall(len(raw).to_bytes(4, "big") + raw)


# --- the forked process -----------------------------------------------------------------------


def _take_over(request: dict[str, Any], streams: list[int]) -> None:
    """Makes this fork what a new interpreter would be: group, streams, environment, folder."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        if stream > 2:
            os.close(stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    _open_streams(unbuffered=bool(os.environ.get("PYTHONUNBUFFERED")))
    # else every fork would draw the same numbers, where it sets no seed
    random.seed()
    sys.modules["torch"].default_generator.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


def _open_streams(*, unbuffered: bool) -> None:
    """Opens the standard streams as Python does at its start; in the zygote it chose how."""
    sys.stdin = sys.__stdin__ = open(0, closefd=False, errors=sys.stdin.errors)  # type: ignore[misc]  # noqa: SIM115
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = io.FileIO(number, "w", closefd=False)
        stream = io.TextIOWrapper(
            raw if unbuffered else io.BufferedWriter(raw),
            encoding=getattr(sys, name).encoding,
            errors=getattr(sys, name).errors,
            line_buffering=not unbuffered and (number == 2 or os.isatty(number)),
            write_through=unbuffered,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _begin(run: str) -> None:
    """Does what the bootstrap does once torch is there."""
    for mark in ("seen-python", "seen-torch"):
        os.close(os.open(os.path.join(run, mark), os.O_CREAT | os.O_WRONLY, 0o644))
    if os.path.exists(os.path.join(run, "patched.json")):
        path = os.path.join(BOOT, "patched.py")
        spec = importlib.util.spec_from_file_location("_assay_patched", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.install(run)
    sys.modules["_assay.session"].begin(run)


def _run(words: list[str]) -> NoReturn:
    """Runs `script.py args...` or `-m module args...` as `__main__`, and ends as Python would."""
    main = types.ModuleType("__main__")
    vars(main).update(__builtins__=sys.modules["builtins"])
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    sys.modules["__main__"] = main
    sys.orig_argv[1:] = words
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [entry for entry in entries if entry not in ("", BOOT, *sys.path)]
    module = words[1] if words[0] == "-m" else "__main__" if os.path.isdir(words[0]) else None
    if words[0] == "-m":
        sys.argv[:] = ["-m", *words[2:]]
        sys.path.insert(0, os.getcwd())
    else:
        sys.argv[:] = words
        sys.path.insert(0, words[0] if module else os.path.dirname(os.path.realpath(words[0])))
    code = 0
    try:
        if module is None:
            code_object = _compile(main, os.path.abspath(words[0]))
        run = os.environ.get("ASSAY_RUN")
        if run:
            _begin(run)
        if module is None:
            exec(code_object, vars(main))
        else:  # as `python -m` does
            runpy._run_module_as_main(module, words[0] == "-m")  # type: ignore[attr-defined]
    except SystemExit as error:
        code = _status(error)
    except KeyboardInterrupt as error:
        code = -signal.SIGINT
        _show(error)
    except BaseException as error:
        code = 1
        _show(error)
    _finish(code)


def _compile(main: types.ModuleType, path: str) -> types.CodeType:
    """Makes the module what `python script.py` makes it; the code is still to be executed."""
    vars(main).update(__file__=path, __cached__=None, __loader__=SourceFileLoader("__main__", path))
    with io.open_code(path) as file:
        source = file.read()
    code: types.CodeType = compile(source, path, "exec", dont_inherit=True)
    return code


def _status(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)  # noqa: T201 - as Python does
    return 1


def _show(error: BaseException) -> None:
    """Prints the traceback without the frame of this file."""
    trace = error.__traceback__
    if trace is not None and trace.tb_frame.f_code is _run.__code__:
        trace = trace.tb_next
    if trace is not None and trace.tb_frame.f_code is _compile.__code__:
        trace = None
    sys.excepthook(type(error), error.with_traceback(trace), trace)


def _finish(code: int) -> NoReturn:
    """Does what the interpreter does at its end, without taking itself to pieces."""
    for step in (threading._shutdown, atexit._run_exitfuncs):  # type: ignore[attr-defined]
        try:
            step()
        except BaseException as error:
            _show(error)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
