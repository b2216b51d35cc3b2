"""Runs the text of a script under assay and reads its record."""

import textwrap

import pytest

from assay.observe import observe

HEAD = """
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0); torch.set_num_threads(1)
X = torch.randn(64, 8); Y = torch.randint(0, 3, (64,))
def net(): return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
"""


@pytest.fixture
def watched(tmp_path, warm):
    """A function from a script's text to the view of its run, which must have ended well.

    Another command than the script itself (`words`) is started by the launcher.
    """

    def run(text, *, status=0, errors=(), words=(), settings=None):
        script = tmp_path / "train.py"
        script.write_text(HEAD + textwrap.dedent(text))
        form = [word.replace("SCRIPT", str(script)) for word in words] or [str(script)]
        start = observe if words else warm.observe
        observed = start(form, settings, run_dir=tmp_path / "run")
        assert observed.outcome.exit_code == status
        if errors is not None:
            assert observed.view.errors == list(errors)
        return observed.view

    return run
