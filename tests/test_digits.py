"""The bundled digits: complete, raw, and readable with torch alone."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from assay.demo import digits


def test_shapes_types_and_range() -> None:
    images, labels = digits.load()
    assert images.shape == (1797, 64)
    assert images.dtype == torch.float32
    assert (images.min(), images.max()) == (0, 16)
    assert labels.shape == (1797,)
    assert labels.dtype == torch.int64
    # Class counts of the test set, as the UCI page gives them.
    assert labels.bincount().tolist()[:4] == [178, 182, 177, 183]
    # The first image of the test set is a nought, whose first row is known.
    assert labels[0] == 0
    assert images[0, :8].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_two_loads_share_nothing() -> None:
    first, _ = digits.load()
    first.zero_()
    second, _ = digits.load()
    assert second.max() == 16


def test_loading_draws_no_random_number() -> None:
    before = torch.get_rng_state()
    digits.load()
    assert torch.equal(before, torch.get_rng_state())


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = tmp_path / "digits.u8.gz"
    short.write_bytes(gzip.compress(b"too short"))
    monkeypatch.setattr(digits, "_FILE", short)
    with pytest.raises(ValueError, match="damaged: 9 bytes, expected 116805"):
        digits.load()


def test_importing_the_module_loads_no_torch() -> None:
    code = "import assay.demo.digits, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=300).returncode == 0
