"""The whole way with the real torch and the real session: one journal, same words, same world."""

import json
import sys

import pytest

TRAIN = """\
import assay, sys, torch

torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(torch.ones(8, 4)), torch.zeros(8, 1))
    loss.backward()
    optimizer.step()
    print(loss.item().hex())
print(assay.mine, assay.__file__, sys.path, sorted(m for m in sys.modules if m[:5] == "assay"))
print([type(f).__name__ for f in sys.meta_path], vars(torch.__loader__), torch.rand(1))
"""


def journals(launcher):
    return sorted(launcher.run_dir.glob("journal-*.jsonl"))


def test_a_training_script_beside_a_module_called_assay(launcher):
    launcher.script("mine = 1\n", "assay.py")
    status, _, err = launcher.both(launcher.script(TRAIN))
    assert (status, err) == (0, "")
    assert launcher.boot_log() == ""
    (journal,) = journals(launcher)
    first = json.loads(journal.read_text().splitlines()[0])
    assert first["argv"] == ["train.py"]


def test_torch_that_is_imported_and_then_crashes(launcher):
    script = launcher.script(
        "import torch\n\n\ndef f():\n    torch.ones(2) @ torch.ones(3)\n\nf()\n"
    )
    status, _, err = launcher.both(script)
    assert (status, "size mismatch" in err or "inconsistent" in err) == (1, True)
    assert launcher.boot_log() == ""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_a_loader(launcher, method):
    script = launcher.script(
        "import sys, torch\n"
        "from torch.utils.data import DataLoader, TensorDataset\n\n"
        "if __name__ == '__main__':\n"
        "    torch.manual_seed(0)\n"
        "    data = TensorDataset(torch.arange(8.0))\n"
        f"    loader = DataLoader(data, 2, shuffle=True, num_workers=1,\n"
        f"                        multiprocessing_context={method!r})\n"
        "    for (batch,) in loader:\n"
        "        print(batch.tolist())\n"
    )
    status, out, err = launcher.both(script)
    assert (status, out.count("\n"), err) == (0, 4, "")
    assert launcher.boot_log() == ""


@pytest.mark.slow
def test_torchrun(launcher):
    script = launcher.script(
        "import torch\nimport torch.distributed as dist\n\n"
        "dist.init_process_group('gloo')\n"
        "total = torch.ones(1) * dist.get_rank()\n"
        "dist.all_reduce(total)\n"
        "print(total.item())\n"
        "dist.destroy_process_group()\n"
    )
    words = ["--", sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    words += ["--standalone", script]
    launcher.env["OMP_NUM_THREADS"] = "1"
    status, out, _ = launcher.run(launcher.driven(*words))
    assert (status, out.count("1.0")) == (0, 2)
    assert launcher.boot_log() == ""
    assert launcher.record["python"] is None
