"""What is written, and when nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.edits.patch import FileChange
from assay.edits.write import WriteError, write


def change(path: Path, before: bytes = b"a\r\n", after: bytes = b"b\r\n") -> FileChange:
    return FileChange(path, before, after, "")


def test_all_files_with_their_mode(tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    for path in (one, two):
        path.write_bytes(b"a\r\n")
        path.chmod(0o751)
    assert write([change(one), change(two)]) == [one, two]
    assert (one.read_bytes(), two.read_bytes()) == (b"b\r\n", b"b\r\n")
    assert one.stat().st_mode & 0o777 == 0o751
    assert sorted(tmp_path.iterdir()) == [one, two], "a draft was left behind"


def test_none_if_one_has_changed(tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_bytes(b"a\r\n")
    two.write_bytes(b"a \r\n")
    with pytest.raises(WriteError, match=r"two\.py has changed since it was run"):
        write([change(one), change(two)])
    assert one.read_bytes() == b"a\r\n"


def test_none_if_one_is_gone(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="No such file"):
        write([change(tmp_path / "gone.py")])


def test_all_are_put_back_if_one_can_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    for path in (one, two):
        path.write_bytes(b"a\r\n")
    original = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target == two:
            raise OSError(28, "No space left on device", str(two))
        return original(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(WriteError, match=r"can't write .*two\.py: No space left"):
        write([change(one), change(two)])
    assert one.read_bytes() == b"a\r\n"
    assert sorted(tmp_path.iterdir()) == [one, two]
