"""The status, and every word on standard error, are those of plain Python."""

import signal

import pytest

READY = "import time\nprint('ready', flush=True)\ntime.sleep(60)\n"

ENDS = {
    "falls off the end": ("pass", 0),
    "exit": ("import sys; sys.exit()", 0),
    "exit with a number": ("import sys; sys.exit(3)", 3),
    "exit with a message": ("import sys; sys.exit('out of luck')", 1),
    "uncaught error": ("def f():\n    return 1 / 0\n\nf()\n", 1),
    "syntax error": ("def f(:\n    pass\n", 1),
    "missing import": ("import nothing_of_this_name", 1),
    "error in a thread": ("import threading as t\nt.Thread(target=lambda: 1 / 0).start()", 0),
    "exit at once": ("import atexit, os\natexit.register(print, 'never')\nos._exit(4)", 4),
    "exit from atexit": ("import atexit\natexit.register(print, 'last')", 0),
    "interrupt raised": ("raise KeyboardInterrupt", -signal.SIGINT),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", -signal.SIGSEGV),
    "abort": ("import os; os.abort()", -signal.SIGABRT),
    "killed": ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
    "terminates itself": ("import os; os.kill(os.getpid(), 15)", -signal.SIGTERM),
}  # fmt: skip


@pytest.mark.parametrize(("text", "status"), ENDS.values(), ids=ENDS)
def test_ends_as_plain_python_ends(launcher, text, status):
    assert launcher.both(launcher.script(text))[0] == status
    record = launcher.record
    died = record["signal"] is not None
    assert (-record["signal"] if died else record["exit_code"]) == status
    assert (record["exit_code"] is None) == died
    assert record["seconds"] > 0
    assert record["started"] < record["ended"]


def test_a_module_that_is_not_there(launcher):
    status, _, err = launcher.both("-m", "nothing_of_this_name")
    assert (status, "No module named nothing_of_this_name" in err) == (1, True)


def test_interrupt(launcher):
    status, _, err = launcher.both_signalled(signal.SIGINT, launcher.script(READY), to_group=True)
    assert status == -signal.SIGINT
    assert err.endswith("KeyboardInterrupt\n")


def test_interrupt_with_a_handler(launcher):
    handler = "import signal, sys\nsignal.signal(signal.SIGINT, lambda *_: sys.exit(7))\n"
    script = launcher.script(handler + READY)
    assert launcher.both_signalled(signal.SIGINT, script, to_group=True)[0] == 7


def test_interrupt_that_is_survived(launcher):
    script = launcher.script(
        "import time\n"
        "try:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('saved')\n"
    )
    result = launcher.both_signalled(signal.SIGINT, script, to_group=True)
    assert result == (0, "saved\n", "")


def test_quit_from_the_keyboard(launcher):
    script = launcher.script(READY)
    status = launcher.both_signalled(signal.SIGQUIT, script, to_group=True)[0]
    assert (status, launcher.record["signal"]) == (-signal.SIGQUIT, signal.SIGQUIT)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"])
def test_a_signal_sent_to_us_reaches_the_child(launcher, name):
    number = getattr(signal, name)
    script = launcher.script(READY)
    assert launcher.both_signalled(number, script, to_group=False)[0] == -number
    assert launcher.record["signal"] == number


def test_a_signal_the_child_handles_is_handled_once(launcher):
    handler = "import signal\nsignal.signal(signal.SIGUSR1, lambda *_: print('checkpoint'))\n"
    script = launcher.script(handler + READY.replace("60", "1"))
    result = launcher.both_signalled(signal.SIGUSR1, script, to_group=False)
    assert result == (0, "checkpoint\n", "")


def test_what_is_ignored_stays_ignored(launcher):
    script = launcher.script("import signal; print(signal.getsignal(signal.SIGHUP).name)")
    status, out, _ = launcher.both("--", "sh", "-c", f"trap '' HUP; python {script}")
    assert (status, out) == (0, "SIG_IGN\n")
    shell = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *launcher.driven(script)]
    launcher.run_dir.rename(launcher.run_dir.with_name("first"))
    assert launcher.run(shell) == (0, "SIG_IGN\n", "")
