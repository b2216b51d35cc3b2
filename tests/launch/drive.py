"""Launches its arguments as the command line does: `drive.py RUN_DIR SECONDS GRACE words...`."""

import sys
from pathlib import Path

source = str(Path(__file__).parents[2] / "src")
sys.path.insert(0, source)

from assay import launch  # noqa: E402

run_dir, seconds, grace, *words = sys.argv[1:]
try:
    command = launch.resolve(words)
    folder = launch.create(command.label, explicit=run_dir)
    limit = float(seconds) or None
    folder.begin(command.argv, {"steps": None, "seconds": limit}, command.python)
    environment = launch.child_environment(folder.path)
    outcome = launch.run(command.argv, environment, folder, limit, grace=float(grace))
except launch.LaunchError as error:
    print(f"assay: {error}", file=sys.stderr)
    sys.exit(error.status)
launch.finish(outcome)
