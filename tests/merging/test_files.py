"""Whole files: what is kept, what is refused in one line, and that nothing is written half."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from assay.merging.errors import MergeError
from assay.merging.merge import Merge, merge
from assay.merging.methods import read_method
from assay.merging.sharded import open_checkpoint

State = dict[str, torch.Tensor]


def state(seed: int) -> State:
    made = torch.Generator().manual_seed(seed)
    return {
        "first.weight": torch.randn(4, 3, generator=made),
        "first.bias": torch.randn(4, generator=made),
        "half": torch.randn(5, generator=made).half(),
        "brain": torch.randn(2, 2, generator=made).bfloat16(),
        "double": torch.randn(3, generator=made, dtype=torch.float64),
        "steps": torch.tensor(10 + seed),
        "mask": torch.tensor([True, False]),
        "nothing": torch.empty(0, 3),
    }


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, seed in (("a", 1), ("b", 2)):
        torch.save(state(seed), f"{name}.pt")
        save_file(state(seed), f"{name}.safetensors", metadata={"format": "pt", "by": name})
    return tmp_path


def merged(*inputs: str, output: str | None = "out.pt", **more: Any) -> dict[str, Any]:
    weights = more.pop("weights", (1.0,) * len(inputs))
    method = read_method(more.pop("method", "average"))
    return merge(Merge(inputs, output, method, weights, **more))


def same(one: State, other: State) -> None:
    assert list(one) == list(other) or sorted(one) == sorted(other)
    for name, tensor in one.items():
        assert tensor.dtype == other[name].dtype, name
        assert tensor.shape == other[name].shape, name
        assert torch.equal(tensor, other[name]), name


def mean() -> State:
    a, b = state(1), state(2)
    exact = {"double": torch.float64}
    return {
        name: ((a[name].to(full) * 0.5 + b[name].to(full) * 0.5).to(a[name].dtype)
               if a[name].is_floating_point() else a[name])
        for name in a
        for full in (exact.get(name, torch.float32),)
    }  # fmt: skip


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_merge_keeps_types_shapes_and_whole_numbers(kind: str, suffix: str) -> None:
    facts = merged(f"a.{kind}", f"b.{kind}", output=f"out.{suffix}")
    found = (
        load_file("out.safetensors") if suffix == "safetensors"
        else torch.load("out.pt", weights_only=True)
    )  # fmt: skip
    same(found, mean())
    assert facts["differ"] == ["steps"]
    if suffix == "pt":
        assert zipfile.ZipFile("out.pt").testzip() is None, "checksums must be right"
        same(torch.load("out.pt", mmap=True, weights_only=True), mean())
        assert list(found) == list(open_checkpoint(f"a.{kind}").entries)


@pytest.mark.usefixtures("here")
def test_metadata_of_the_first_input_are_kept() -> None:
    merged("a.safetensors", "b.safetensors", output="out.safetensors")
    with safe_open("out.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt", "by": "a"}


@pytest.mark.usefixtures("here")
def test_a_state_dict_below_a_key_stays_there() -> None:
    for name, seed in (("c", 1), ("d", 2)):
        torch.save({"net": {"ema": state(seed)}, "epoch": 3}, f"{name}.pt")
    merged("c.pt", "d.pt", key="net.ema")
    same(torch.load("out.pt", weights_only=True)["net"]["ema"], mean())


@pytest.mark.usefixtures("here")
def test_a_key_is_meant_for_files_that_have_keys() -> None:
    torch.save({"net": state(1)}, "c.pt")
    merged("c.pt", "b.safetensors", key="net", output="out.safetensors")
    same(load_file("out.safetensors"), mean())


@pytest.mark.usefixtures("here")
def test_shards_are_read_through_their_index() -> None:
    for folder, seed in (("one", 1), ("two", 2)):
        os.mkdir(folder)
        parts = list(state(seed).items())
        save_file(dict(parts[:3]), f"{folder}/x-1.safetensors")
        torch.save(dict(parts[3:]), f"{folder}/x-2.bin")
        places = {n: "x-1.safetensors" if i < 3 else "x-2.bin" for i, (n, _) in enumerate(parts)}
        Path(folder, "x.index.json").write_text(json.dumps({"weight_map": places}))
    merged("one", "two/x.index.json", output="out.safetensors")
    same(load_file("out.safetensors"), mean())


@pytest.mark.usefixtures("here")
def test_tied_tensors_stay_tied_and_versions_are_kept() -> None:
    for name, seed in (("c", 1), ("d", 2)):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
        net[2].weight = net[0].weight
        torch.save(net.state_dict(), f"{name}.pt")
    merged("c.pt", "d.pt")
    found = torch.load("out.pt", weights_only=True)
    assert found["0.weight"].data_ptr() == found["2.weight"].data_ptr()
    assert found._metadata["1"] == {"version": 2}
    c, d = (torch.load(f, weights_only=True)["0.weight"] for f in ("c.pt", "d.pt"))
    assert torch.equal(found["2.weight"], c * 0.5 + d * 0.5)
    merged("c.pt", "d.pt", output="out.safetensors")
    same(load_file("out.safetensors"), dict(found))


@pytest.mark.usefixtures("here")
def test_a_layer_may_have_a_method_or_weights_of_its_own() -> None:
    asked = Merge.read({
        "inputs": ["a.pt", "b.pt"], "output": "out.pt", "method": "average", "weights": [1, 1],
        "layers": [["first.w*", None, [1, 3]], ["first.*", "linear,t=1.0", None]],
    })  # fmt: skip
    merge(asked)
    a, b, found = state(1), state(2), torch.load("out.pt", weights_only=True)
    expected = a["first.weight"] * 0.25 + b["first.weight"] * 0.75
    torch.testing.assert_close(found["first.weight"], expected)
    assert torch.equal(found["first.bias"], b["first.bias"])
    assert torch.equal(found["half"], mean()["half"])


@pytest.mark.usefixtures("here")
def test_what_is_read_again_is_mapped_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.merging.torch_file.MAPPED", 1)
    merged("a.pt", "b.pt")
    same(torch.load("out.pt", weights_only=True), mean())


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("suffix", "method"),
    [("pt", "average"), ("safetensors", "average"), ("pt", "ties,density=0.4"),
     ("safetensors", "pruned,density=0.3")],
)  # fmt: skip
def test_a_large_tensor_is_merged_in_pieces(
    monkeypatch: pytest.MonkeyPatch, suffix: str, method: str
) -> None:
    torch.save(state(3), "base.pt")
    how: dict[str, Any] = {"method": method, "base": "base.pt"}
    whole = merged("a.pt", "b.safetensors", output=f"whole.{suffix}", **how)
    monkeypatch.setattr("assay.merging.merge.PIECE", 5)
    pieces = merged("a.pt", "b.safetensors", output=f"out.{suffix}", **how)
    assert Path(f"out.{suffix}").read_bytes() == Path(f"whole.{suffix}").read_bytes()
    assert pieces["differ"] == ["steps"]
    for one, other in zip(pieces["likeness"]["rows"], whole["likeness"]["rows"], strict=True):
        assert one["name"] == other["name"]
        for what in ("cosine", "apart"):
            assert (one[what] is None) is (other[what] is None)
            assert one[what] is None or one[what] == pytest.approx(other[what], rel=1e-5)


@pytest.mark.usefixtures("here")
def test_other_types_are_merged_where_one_is_asked_for() -> None:
    save_file({n: t.half() if t.dtype == torch.float32 else t for n, t in state(2).items()},
              "b.safetensors")  # fmt: skip
    merged("a.pt", "b.safetensors", dtype=torch.float64)
    found = torch.load("out.pt", weights_only=True)
    assert found["first.bias"].dtype is found["half"].dtype is torch.float64
    assert found["mask"].dtype is torch.bool


def test_likeness_is_told_over_all_matrices_and_per_tensor(here: Path) -> None:
    torch.save({"w": torch.tensor([[3.0, 4.0]]), "b": torch.tensor([1.0])}, "c.pt")
    torch.save({"w": torch.tensor([[4.0, -3.0]]), "b": torch.tensor([1.0])}, "d.pt")
    found = merged("c.pt", "d.pt", output=None)["likeness"]
    assert found["cosine"] == pytest.approx(0)
    assert found["apart"] == pytest.approx(2**0.5)
    assert [(row["name"], row["cosine"]) for row in found["rows"]] == [("w", 0.0), ("b", 1.0)]
    assert not (here / "out.pt").exists()


# --- what is refused --------------------------------------------------------------------------


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch hacked",))


def without(*names: str, **more: torch.Tensor) -> State:
    return {name: t for name, t in {**state(2), **more}.items() if name not in names}


def table(length: int | None = None, /, **rows: Any) -> bytes:
    text = json.dumps(rows).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text


def row(dtype: str = "F32", shape: tuple[Any, ...] = (2,), at: tuple[Any, ...] = (0, 8)) -> Any:
    return {"dtype": dtype, "shape": shape, "data_offsets": at}


def torch_file(kept: Any) -> Callable[[Path], None]:
    return lambda path: torch.save(kept, path)


def shared() -> State:
    whole = torch.zeros(6)
    return {"x": whole[:4], "y": whole[2:]}


def cut(path: Path) -> None:
    torch.save(state(2), path)
    path.write_bytes(path.read_bytes()[:900])


BAD: list[tuple[str, bytes | Callable[[Path], None], str]] = [
    ("empty", b"", "empty"),
    ("text", b"not a checkpoint", "neither a safetensors file nor one of torch.save"),
    ("hostile", lambda path: path.write_bytes(pickle.dumps(Hostile())) and None, "refused"),
    ("hostile in a zip", torch_file({"w": Hostile()}), "refused: it names posix.system"),
    ("module", torch_file(nn.Linear(2, 2)), "refused: it names torch.nn.modules.linear.Linear"),
    ("torch file cut off", cut, "damaged or no torch file"),
    ("list", torch_file([1, 2]), "it is no state dict but list"),
    ("nested", torch_file({"net": state(2), "epoch": 1}), "weights lie under --key net"),
    ("other things", torch_file({"epoch": 1}), "it is no state dict; it has epoch"),
    ("overlapping", torch_file(shared()), "x and y share a part of their memory"),
    ("sparse", torch_file({"w": torch.eye(2).to_sparse()}), "w is sparse or quantised"),
    ("missing tensor", torch_file(without("half")), "bad lacks half, unlike a.pt"),
    ("more tensors", torch_file(without(other=torch.ones(1))), "bad also has other, unlike a.pt"),
    ("shapes", torch_file(without(half=torch.ones(6).half())), "half is 5 in a.pt and 6 in bad"),
    ("types", torch_file(without(half=torch.ones(5))),
     "half is float16 in a.pt and float32 in bad; --dtype float32"),
    ("wrapped", torch_file({f"module.{n}": t for n, t in state(2).items()}),
     "bad was saved from within DataParallel or DistributedDataParallel"),
    ("table cut off", table(500, w=row())[:20], "its table would have 500 bytes"),
    ("table of terabytes", table(2**62, w=row()), "its table would have"),
    ("no JSON", struct.pack("<Q", 4) + b"{{{{", "its table is no JSON"),
    ("data cut off", table(w=row()) + b"\0" * 7, "its table tells of"),
    ("data left over", table(w=row()) + b"\0" * 9, "its table tells of"),
    ("hole", table(w=row(at=(8, 16))) + b"\0" * 16, "do not begin where those before it end"),
    ("overlap", table(w=row(), v=row(at=(4, 12))) + b"\0" * 12, "do not begin where"),
    ("shape and bytes", table(w=row(shape=(3,))) + b"\0" * 8, "w has 8 bytes, its shape 12"),
    ("negative", table(w=row(shape=(-2, -1))) + b"\0" * 8, "does not describe w"),
    ("unknown type", table(w=row("F4")) + b"\0" * 8, "w is F4, which torch can't read"),
    ("no offsets", table(w={"dtype": "F32"}), "does not describe w"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "made", "says"), BAD, ids=[kind for kind, _, _ in BAD])
def test_what_can_not_be_merged_is_told_and_nothing_is_left(
    here: Path, kind: str, made: bytes | Callable[[Path], None], says: str
) -> None:
    bad = Path("bad")
    if isinstance(made, bytes):
        bad.write_bytes(made)
    else:
        made(bad)
    before = sorted(os.listdir())
    with pytest.raises(MergeError) as told:
        merged("a.pt", "bad")
    assert says in str(told.value)
    assert "\n" not in str(told.value)
    assert sorted(os.listdir()) == before
    assert not (here / "hacked").exists()


@pytest.mark.usefixtures("here")
def test_ties_of_one_input_alone_are_refused() -> None:
    one = torch.ones(2)
    torch.save({"x": one, "y": one}, "c.pt")
    torch.save({"x": torch.ones(2), "y": torch.zeros(2)}, "d.pt")
    for pair in (("c.pt", "d.pt"), ("d.pt", "c.pt")):
        with pytest.raises(MergeError, match=r"c\.pt ties y to x, d\.pt does not"):
            merged(*pair)


@pytest.mark.usefixtures("here")
def test_an_index_may_not_lead_out_of_its_folder() -> None:
    for file, says in (("../a.safetensors", "leads out of its folder"), ("x", "x is missing")):
        Path("m.index.json").write_text(json.dumps({"weight_map": {"w": file}}))
        with pytest.raises(MergeError, match=says):
            open_checkpoint("m.index.json")
    Path("m.index.json").write_text("[]")
    with pytest.raises(MergeError, match="no weight_map"):
        open_checkpoint("m.index.json")
    os.mkdir("void")
    with pytest.raises(MergeError, match="a folder without an index"):
        open_checkpoint("void")
    with pytest.raises(MergeError, match="void/none: no such file"):
        open_checkpoint("void/none")


@pytest.mark.usefixtures("here")
def test_an_old_output_stays_whole_where_the_merge_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.pt").write_text("old")

    def fail(*_: Any) -> torch.Tensor:
        raise MergeError("stop")

    monkeypatch.setattr("assay.merging.methods.average.Average.merge", fail)
    with pytest.raises(MergeError, match="stop"):
        merged("a.pt", "b.pt")
    assert Path("out.pt").read_text() == "old"
    assert sorted(os.listdir()) == ["a.pt", "a.safetensors", "b.pt", "b.safetensors", "out.pt"]


@pytest.mark.usefixtures("here")
def test_an_input_that_goes_away_is_told_as_that() -> None:
    file = open_checkpoint("a.safetensors")
    os.truncate("a.safetensors", os.path.getsize("a.safetensors") - 1)
    with pytest.raises(MergeError, match=r"a\.safetensors: damaged .*: it ends within"):
        [file.read(name) for name in file.entries]
    os.unlink("a.safetensors")
    with pytest.raises(MergeError, match=r"a\.safetensors: can't be read: No such file"):
        file.read("half")


@pytest.mark.usefixtures("here")
def test_values_that_are_not_finite_are_told() -> None:
    torch.save(without("first.bias") | {"first.bias": torch.full((4,), torch.nan)}, "c.pt")
    assert merged("a.pt", "c.pt")["broken"] == {"c.pt": ["first.bias"]}
