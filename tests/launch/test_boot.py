"""The bootstrap: torch imported in any way, in any process, begins one session, unseen."""

import sys

import pytest

WAYS = {
    "import torch": "import torch",
    "from": "from torch import nn",
    "submodule": "import torch.nn as nn",
    "import_module": "import importlib\nimportlib.import_module('torch.nn')",
    "__import__": "__import__('torch')",
    "in a function": "def f():\n    import torch\n    return torch\n\nf()\nf()",
    "after a look": (
        "from importlib.util import find_spec\nassert find_spec('torch') and find_spec('torch')\n"
        "import torch\n"
    ),
    "lazily": (
        "import sys\nfrom importlib.util import LazyLoader, find_spec, module_from_spec\n"
        "spec = find_spec('torch')\nspec.loader = LazyLoader(spec.loader)\n"
        "torch = sys.modules['torch'] = module_from_spec(spec)\nspec.loader.exec_module(torch)\n"
        "print(torch.ready)\n"
    ),
    "in threads": (
        "import threading\n"
        "def work():\n    import torch\n    assert torch.ready\n"
        "threads = [threading.Thread(target=work) for _ in range(8)]\n"
        "[t.start() for t in threads]\n[t.join() for t in threads]\n"
    ),
    "reloaded": "import importlib, torch\nimportlib.reload(torch)",
    "by runpy": "import runpy\nrunpy.run_module('torch.tool')",
    "past a finder of old": (
        "import sys, warnings\nwarnings.simplefilter('ignore')\n"
        "class Finder:\n    def find_module(self, name, path=None):\n        return None\n"
        "sys.meta_path.insert(1, Finder())\nimport torch\n"
    ),
    "past a foreign finder": (
        "import sys, importlib.util\n"
        "class Finder:\n"
        "    busy = False\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name != 'torch' or self.busy:\n            return None\n"
        "        self.busy = True\n"
        "        return importlib.util.find_spec(name)\n"
        "sys.meta_path.insert(0, Finder())\nimport torch\n"
    ),
}


@pytest.mark.parametrize("text", WAYS.values(), ids=WAYS)
def test_begins_once(stub, text):
    check = "\nimport sys\nassert sys.modules['torch'].ready\nprint('done')\n"
    (status, out, err), began = stub.both(text + check)
    assert (status, out.splitlines()[-1], err) == (0, "done", "")
    assert len(began) == 1
    assert stub.launcher.boot_log() == ""


@pytest.mark.parametrize(
    "text", ["print('no torch here')", "import importlib.util\nimportlib.util.find_spec('torch')"]
)
def test_without_torch_nothing_begins(stub, text):
    (status, _, err), began = stub.both(text)
    assert (status, err, began) == (0, "", [])


def test_leaves_no_trace(stub):
    text = (
        "import sys\nimport torch\n"
        "assert not torch.__spec__._initializing\n"
        "print([repr(f)[:40] for f in sys.meta_path], vars(torch.__loader__))\n"
        "print(torch.__spec__.origin, torch.__file__)\n"
    )
    (status, out, err), began = stub.both(text)
    assert (status, err, len(began)) == (0, "", 1)
    assert "TorchFinder" not in out


BROKEN = {
    "ImportError": "import nothing_of_this_name\n",
    "OSError": "raise OSError('libcudart.so: cannot open shared object file')\n",
    "from below": "from .nn import nothing_of_this_name\n",
    "SyntaxError": "def f(:\n",
    "exit": "raise SystemExit(9)\n",
}


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_a_torch_that_fails_fails_in_the_same_words(stub, fault):
    (stub.torch / "__init__.py").write_text(fault)
    (status, _, err), began = stub.both("def main():\n    import torch\n\nmain()\n")
    assert status != 0
    assert "sitecustomize" not in err
    assert began == []


def test_a_second_attempt_after_a_failure(stub):
    (stub.torch / "__init__.py").write_text(
        "import sys\n"
        "if not hasattr(sys, 'failed'):\n    sys.failed = 1\n    raise OSError('busy')\n"
        "ready = True\n"
    )
    text = "try:\n    import torch\nexcept OSError:\n    import torch\nprint(torch.ready)\n"
    (status, out, _), began = stub.both(text)
    assert (status, out, len(began)) == (0, "True\n", 1)


def test_warnings_of_torch_point_at_the_same_line(stub):
    (stub.torch / "__init__.py").write_text(
        "import warnings\nready = True\nwarnings.warn('old driver', stacklevel=2)\n"
    )
    (_, _, err), began = stub.both("import torch\n")
    assert "train.py:1: UserWarning: old driver" in err
    assert len(began) == 1


def test_a_torch_that_is_not_torch(stub):
    (stub.torch / "__init__.py").unlink()
    hide = "import sys\nsys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
    (status, _, err), began = stub.both(hide + "import torch\nprint(torch.__path__)")
    assert (status, err, began) == (0, "", [])
    assert stub.launcher.boot_log() == ""


def test_our_own_error_goes_to_the_log(stub):
    stub.launcher.env["STUB_FAILS"] = "1"
    (status, out, err), _ = stub.both("import torch\nprint('trained')")
    assert (status, out, err) == (0, "trained\n", "")
    assert "RuntimeError: planted" in stub.launcher.boot_log()


def test_a_run_folder_that_is_gone(stub):
    stub.launcher.env["STUB_FAILS"] = "1"
    argv = stub.launcher.plain(stub.launcher.script("import torch\nprint('trained')"))
    result = stub.launcher.run(argv, env={**stub.env, "ASSAY_RUN": "/nowhere"})
    assert result == (0, "trained\n", "")


def test_without_a_run_folder(stub):
    argv = stub.launcher.plain(stub.launcher.script("import sys, torch\nprint(sys.meta_path[0])"))
    status, out, err = stub.launcher.run(argv, env={**stub.env, "ASSAY_RUN": ""})
    assert (status, err, "TorchFinder" in out) == (0, "", False)


def test_torch_imported_by_a_pth_file_is_not_missed(stub):
    """Such a file runs in `site` before any sitecustomize."""
    text = (
        "import runpy, sys\nimport torch\n"
        f"try:\n    runpy.run_path({str(stub.boot / 'sitecustomize.py')!r}, run_name='again')\n"
        "except (ImportError, KeyError):\n    pass\n"
    )
    argv = stub.launcher.plain("-S", stub.launcher.script(text))
    status, _, err = stub.launcher.run(argv, env=stub.env)
    assert (status, err, len(stub.began())) == (0, "", 1)


CHILDREN = """\
import multiprocessing, os, sys

def work(queue):
    before = "torch" in sys.modules
    import torch
    queue.put((before, torch.ready, sys.argv, "_assay" in sys.modules))

if __name__ == "__main__":
    if {early}:
        import torch
    context = multiprocessing.get_context({method!r})
    queue = context.Queue()
    children = [context.Process(target=work, args=(queue,)) for _ in range(2)]
    [child.start() for child in children]
    for child in children:
        print(*queue.get()[:3])
    [child.join() for child in children]
    print([child.exitcode for child in children])
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("early", [True, False], ids=["torch first", "torch in the child"])
def test_children_of_multiprocessing(stub, method, early):
    (status, _, err), began = stub.both(CHILDREN.format(method=method, early=early))
    assert (status, err) == (0, "")
    # A forked child has its parent's session; session.py tells it that it was forked.
    expected = early + 2 * (method != "fork" or not early)
    assert len(set(began)) == len(began) == expected
    assert stub.launcher.boot_log() == ""


def test_a_shell_and_other_programs_between(stub):
    stub.launcher.script("import torch\nprint('trained')")
    words = ["sh", "-c", f"true | {sys.executable} train.py; env | grep -c ASSAY_RUN"]
    assert stub.launcher.run(words, env=stub.env) == (0, "trained\n1\n", "")
    assert len(stub.began()) == 1


def test_imports_nothing_heavy(launcher, stub):
    text = "import sys; print(sorted(sys.modules))"
    (_, out, _), _ = stub.both(text)
    assert "typing" not in out
    assert "importlib.util" not in out
