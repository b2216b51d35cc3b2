"""Prints all that a program can see of how it was started."""

import json
import os
import resource
import signal
import stat
import sys

KEEP = {
    name: globals().get(name)
    for name in ("__name__", "__file__", "__package__", "__doc__", "__cached__")
}
world = {
    **KEEP,
    "__spec__": __spec__
    and [__spec__.name, __spec__.origin, __spec__.cached, type(__spec__.loader).__name__],
    "__loader__": type(__loader__).__name__,
    "__builtins__": type(__builtins__).__name__,
    "globals": sorted(globals()),
    "argv": sys.argv,
    "orig_argv": sys.orig_argv,
    "path": sys.path,
    "importers": sorted(sys.path_importer_cache),
    "modules": sorted(sys.modules),
    "sitecustomize": getattr(sys.modules.get("sitecustomize"), "__file__", None),
    "flags": repr(sys.flags),
    "warnings": sys.warnoptions,
    "executable": sys.executable,
    "prefix": sys.prefix,
    "hooks": [repr(sys.excepthook), repr(sys.displayhook)],
    "cwd": os.getcwd(),
    "isatty": [os.isatty(number) for number in (0, 1, 2)],
    "environment": {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "ASSAY_RUN")},
    "umask": oct(os.umask(0o022)),
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "handlers": {n: repr(signal.getsignal(n)) for n in sorted(signal.valid_signals())},
    "limits": [
        resource.getrlimit(resource.RLIMIT_CORE),
        resource.getrlimit(resource.RLIMIT_NOFILE),
    ],
    "files": {
        n: stat.S_IFMT(os.fstat(int(n)).st_mode) for n in os.listdir("/proc/self/fd") if int(n) < 3
    }
    if os.path.isdir("/proc/self/fd")
    else {},
}
print(json.dumps(world, indent=1, sort_keys=True, default=str))
