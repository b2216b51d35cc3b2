"""Python imports this file at start-up in every process under assay; it waits there for torch.

`PYTHONPATH` leads here and `ASSAY_RUN` names the run folder. Nothing is imported that `site` has
not imported already, since every child pays for it; the syntax is old, since any Python may come
by.
An error of ours goes to `boot-<pid>.log` in the run folder and never to the user's program.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


class _TorchFinder:
    """Stands first on `sys.meta_path` until torch has been executed; then begins the session.

    It finds nothing by itself: the finders after it do, and the loader that they return is asked
    to tell us when it is done. `find_spec("torch")` alone, which many libraries call to see
    whether torch exists, therefore begins nothing.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._done = False

    def find_spec(
        self, name: str, path: "Any" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Returns torch's spec with its loader hooked; None for every other module."""
        finders = list(sys.meta_path)
        if name != "torch" or self._done or self not in finders:
            return None
        # Those before us were asked already, and may delegate to us: asking again could recurse.
        for finder in finders[finders.index(self) + 1 :]:
            find_spec = getattr(finder, "find_spec", None)  # old finders have find_module only
            spec: ModuleSpec | None = find_spec and find_spec(name, path, target)
            if spec is not None:
                try:
                    if spec.loader is not None:
                        self._hook(spec.loader)
                except Exception:
                    _log(self._run)
                return spec
        return None

    def _hook(self, loader: "Loader") -> None:
        execute = loader.exec_module

        def exec_module(module: "ModuleType") -> None:
            vars(loader).pop("exec_module", None)
            execute(module)
            self._torch_is_ready()

        # Where `import torch` fails, Python cuts importlib's own frames out of the traceback, and
        # warnings skip them. Ours belongs to them: the user reads what plain Python would print.
        exec_module.__code__ = exec_module.__code__.replace(
            co_filename="<frozen importlib._bootstrap_external>"
        )
        loader.exec_module = exec_module  # type: ignore[method-assign]

    def _torch_is_ready(self) -> None:
        if self._done:
            return
        self._done = True
        _mark(self._run, "torch")
        # A new list: another thread may be walking the old one right now and would skip a finder.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self]
        _begin(self._run)


def _begin(run: str) -> None:
    """Loads the assay package under a private name and begins the session in this process."""
    try:
        import importlib.util

        package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
        # A private name: the user may well have a module of their own called assay.
        spec = importlib.util.spec_from_file_location(
            "_assay", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["_assay"] = module
        spec.loader.exec_module(module)
        importlib.import_module("_assay.session").begin(run)
    except Exception:
        _log(run)


def _patch(run: str, here: str) -> None:
    """Loads the user's files as if they were edited, in a run that tries an edit of them."""
    import importlib.util

    path = os.path.join(here, "patched.py")
    spec = importlib.util.spec_from_file_location("_assay_patched", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.install(run)


def _mark(run: str, what: str) -> None:
    """Leaves an empty file `seen-<what>`, so that "not observed" can say how far we came."""
    try:  # noqa: SIM105 - contextlib is not loaded yet
        os.close(os.open(os.path.join(run, "seen-" + what), os.O_CREAT | os.O_WRONLY, 0o644))
    except OSError:  # a full or read-only disk: the record will say so
        pass


def _log(run: str) -> None:
    """Appends the current exception to this process's boot log, if that can be done at all."""
    try:
        import traceback

        path = os.path.join(run, f"boot-{os.getpid()}.log")
        with open(path, "a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
    except Exception:
        pass


def _boot(run: str) -> None:
    """Leaves `sys.path` as plain Python has it, and watches for torch."""
    try:
        here = os.path.dirname(__file__)
        sys.path[:] = [entry for entry in sys.path if entry != here]
        sys.path_importer_cache.pop(here, None)
        if not run:
            return
        _mark(run, "python")
        if os.path.exists(os.path.join(run, "patched.json")):
            _patch(run, here)
        if "torch" in sys.modules:  # a .pth file in site-packages was earlier
            _mark(run, "torch")
            _begin(run)
        else:
            sys.meta_path.insert(0, _TorchFinder(run))
    except Exception:
        _log(run)


_boot(os.environ.get("ASSAY_RUN", ""))

# Our folder is off the path now, so this finds the user's own sitecustomize, which takes our place,
# or raises the very ImportError that `site` expects where there is none.
del sys.modules[__name__]
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401
