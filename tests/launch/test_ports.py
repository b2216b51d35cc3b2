"""Each run of a launcher gets a port of its own."""

import socket

import pytest

from assay.launch.errors import LaunchError
from assay.launch.ports import free_port, with_port


def test_a_free_port_can_be_bound():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("torchrun --nproc-per-node 2 train.py", None),
        ("torchrun --master-port 29500 train.py", "torchrun --master-port 7 train.py"),
        ("torchrun --master_port=29500 train.py", "torchrun --master_port=7 train.py"),
        (
            "accelerate launch --main_process_port 29500 train.py",
            "accelerate launch --main_process_port 7 train.py",
        ),
        (
            "torchrun --rdzv_endpoint=localhost:29400 train.py",
            "torchrun --rdzv_endpoint=localhost:7 train.py",
        ),
        ("torchrun --rdzv-endpoint localhost:0 train.py", None),
        ("torchrun --rdzv-endpoint node1:29400 train.py", None),
        ("torchrun --nnodes 1 train.py", None),
        ("torchrun --nnodes=1:4 train.py", None),
        ("torchrun train.py --master-port 29500", None),  # an argument of the script
    ],
)
def test_the_port_that_a_command_names_is_exchanged(words, changed):
    assert with_port(words.split(), 7) == (changed or words).split()


@pytest.mark.parametrize("words", ["torchrun --nnodes 2 a.py", "torchrun --nnodes=2:4 a.py"])
def test_a_trial_does_not_wait_for_other_machines(words):
    with pytest.raises(LaunchError, match=r"one machine, received --nnodes 2"):
        with_port(words.split(), 7)
