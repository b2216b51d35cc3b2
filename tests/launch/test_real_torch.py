"""The whole way with the real torch and the real session: one journal, same words, same world."""

import json
import sys
from pathlib import Path

import pytest

import assay

PACKAGE = Path(assay.__file__).parent

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
waiting = "_Finder"  # for parts of torch that this script never loads
others = [n for n in (type(f).__name__ for f in sys.meta_path) if n != waiting]
print(others, vars(torch.__loader__), torch.rand(1))
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


FAILING = """\
import sys, traceback, torch
from torch import nn
from torch.nn import functional as F

model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.ones(8, 4), torch.zeros(8, 1)


class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        raise LookupError(index)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 1)

    def forward(self, x):
        return self.inner(x[:, :3])


def closure():
    raise ArithmeticError("mine")


def backward():
    loss = F.mse_loss(model(x), y)
    loss.backward()
    loss.backward()


def chained():
    try:
        F.cross_entropy(torch.ones(2, 3), torch.ones(5))
    except Exception as error:
        try:
            torch.nn.functional.relu("no tensor")
        except TypeError:
            raise ValueError("chained") from error


faults = [
    lambda: model(torch.ones(8, 3)), lambda: Own()(x), backward, chained,
    lambda: F.mse_loss(), lambda: torch.relu(1), lambda: optimizer.step(closure),
    lambda: list(torch.utils.data.DataLoader(Data())), lambda: optimizer.add_param_group(1),
    lambda: model.load_state_dict({}), lambda: torch.nn.utils.clip_grad_norm_(3, "a"),
    lambda: torch.optim.lr_scheduler.StepLR(optimizer), lambda: model.train(3),
]
for step in range(40):
    optimizer.zero_grad()
    F.mse_loss(model(x), y).backward()
    for fault in faults if step in (0, 3, 39) else ():
        try:
            fault()
        except Exception:
            traceback.print_exc()
    optimizer.step()
chained()
"""


def test_tracebacks_are_those_of_plain_python(launcher):
    status, _, err = launcher.both(launcher.script(FAILING))
    assert status == 1
    assert err.count("Traceback") == 3 * 14 + 2
    assert "<assay" not in err
    assert f'File "{PACKAGE}' not in err


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
