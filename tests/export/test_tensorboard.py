"""Event files: what TensorBoard's own writer writes, byte for byte, and what its reader reads."""

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.export import events
from assay.testing.folders import STARTED_S, optimizer_line, steps_line, write_run

NAME = "20260401-101500-train"


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"123456789", 0xE3069283),  # the check value of CRC-32C
        (bytes(32), 0x8A9136AA),  # RFC 3720, appendix B.4, as all that follow
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_crc(data: bytes, crc: int) -> None:
    assert events.crc32c(data) == crc


def test_records_are_those_of_tensorboard_itself() -> None:
    # written by tensorboard 2.21.0: its RecordWriter and its own Event messages
    assert events.version(1795248894.5).hex() == (
        "1800000000000000a37f4b22090000a0bf54c0da411a0d627261696e2e4576656e743a32dbee8d76"
    )
    losses = [
        (events.head("loss"), 0.25, b""),
        (events.head("grad_norm/层.weight"), math.inf, b""),
    ]
    assert events.scalars(1795248895.25, 300, losses).hex() == (
        "3800000000000000a3797d57090000d0bf54c0da4110ac022a2a0a0b0a046c6f7373150000803e0a1b0a1467"
        "7261645f6e6f726d2fe5b1822e776569676874150000807f32c293bd"
    )
    assert events.markdown(1795248896.0, 7, "findings", "**error**").hex() == (
        "3800000000000000a3797d5709000000c054c0da4110072a2b0a290a0866696e64696e677342130807120412"
        "02080142092a2a6572726f722a2a4a080a060a0474657874c5752a52"
    )


def test_a_number_beyond_32_bits_is_infinite() -> None:
    large = events.scalars(0.0, 1, [(events.head("x"), -1e300, b"")])
    assert large == events.scalars(0.0, 1, [(events.head("x"), -math.inf, b"")])


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protocol buffer, as its encoding has them; written for this test alone."""
    place = 0

    def varint() -> int:
        nonlocal place
        number = shift = 0
        while True:
            byte = data[place]
            place += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    while place < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, data[place : place + size]
        place += size


def read_events(path: Path) -> list[tuple[float, int, dict[str, float]]]:
    """Time, step and numbers of each event."""
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = dict(fields(data[12 : 12 + length]))
        data = data[16 + length :]
        numbers = {}
        for field, value in fields(event.get(5, b"")):
            one = dict(fields(value))
            if field == 1 and 2 in one:
                numbers[one[1].decode()] = struct.unpack("<f", one[2])[0]
        found.append((struct.unpack("<d", event[1])[0], event.get(2, 0), numbers))
    return found


def test_a_run(run: Path, export: Any) -> None:
    status, said = export("--to", "tensorboard")
    assert (status, said) == (
        0, f"assay: wrote tensorboard/{NAME}; tensorboard --logdir tensorboard\n",
    )  # fmt: skip
    (path,) = Path("tensorboard", NAME).iterdir()
    assert "tfevents" in path.name
    found = read_events(path)
    by_step = {step: numbers for _, step, numbers in found if numbers}
    assert len(by_step) == len([1 for _, _, numbers in found if numbers])  # one event a step
    assert [step for _, step, _ in found[2:]] == sorted(by_step)
    assert by_step[0]["loss"] == 2.0
    assert by_step[0]["grad_norm/0.weight"] == 1.5
    assert by_step[0]['grad_norm/la"yer,\n层'] == 2.5
    assert math.isnan(by_step[7]["grad_norm/0.weight"])
    assert by_step[7]["step_quality"] == -math.inf
    assert by_step[30]["evaluation_accuracy/cross_entropy"] == 0.75
    assert 31 not in by_step
    assert found[0][0] == STARTED_S
    assert found[-1][0] == STARTED_S + 6.0  # 60 steps, ten a second


def test_a_tag_says_once_what_it_means_and_in_which_unit(run: Path, export: Any) -> None:
    assert export("--to", "tensorboard")[0] == 0
    (path,) = Path("tensorboard", NAME).iterdir()
    told: dict[str, list[str]] = {}
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = dict(fields(data[12 : 12 + length]))
        data = data[16 + length :]
        for field, value in fields(event.get(5, b"")):
            one = dict(fields(value))
            if field == 1 and 2 in one and 9 in one:
                told.setdefault(one[1].decode(), []).append(dict(fields(one[9]))[3].decode())
    assert told["evaluation_accuracy/cross_entropy"] == [
        "Held-out accuracy: share of right answers in one evaluation, of the samples that count. "
        "Unit: share."
    ]
    assert told["loss"] == ["Loss: sum of the scalars that backward() was called on for this step."]
    assert {len(texts) for texts in told.values()} == {1}


def test_findings_are_there_to_read(run: Path, export: Any) -> None:
    assert export("--to", "tensorboard")[0] == 0
    (path,) = Path("tensorboard", NAME).iterdir()
    data = path.read_bytes()
    assert b"**warning: loss-not-finite** (exact)" in data
    assert data.count(b"loss-not-finite**") == 1


def test_each_training_has_a_folder(tmp_path: Path, export: Any) -> None:
    lines = [optimizer_line(0, "Adam"), optimizer_line(1, "my/../Opt"),
             steps_line(0, [1.0, 2.0], 0), steps_line(0, [3.0], 1)]  # fmt: skip
    write_run(tmp_path / "gan", lines)
    out = tmp_path / "board"
    assert export(str(tmp_path / "gan"), "--to", "tensorboard", "--out", str(out))[0] == 0
    assert sorted(path.name for path in out.iterdir()) == ["0-Adam", "1-my-Opt"]
    (one,) = (out / "1-my-Opt").iterdir()
    assert {"loss": 3.0}.items() <= read_events(one)[1][2].items()


def test_force_replaces_ours_and_leaves_theirs(run: Path, export: Any, tmp_path: Path) -> None:
    out = tmp_path / "board"
    out.mkdir()
    theirs, old = out / "events.out.tfevents.1.host", out / "events.out.tfevents.5.assay"
    theirs.write_bytes(b"theirs")
    old.write_bytes(b"old")
    status, said = export("--to", "tensorboard", "--out", str(out))
    assert status == 2
    assert "holds event files" in said
    assert export("--to", "tensorboard", "--out", str(out), "--force")[0] == 0
    assert theirs.read_bytes() == b"theirs"
    assert not old.exists()
    assert len(list(out.iterdir())) == 2


def test_tensorboard_reads_it(run: Path, export: Any) -> None:
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is not installed; its writer's bytes are compared above",
    )
    assert export("--to", "tensorboard")[0] == 0
    found = reader.EventAccumulator(f"tensorboard/{NAME}", {"scalars": 0, "tensors": 0})
    found.Reload()
    assert len(found.Scalars("loss")) == 59
    assert found.Scalars("loss")[0].value == 2.0
    (text,) = found.Tensors("findings")
    assert b"loss-not-finite" in text.tensor_proto.string_val[0]
