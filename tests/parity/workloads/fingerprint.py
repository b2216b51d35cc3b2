"""One line that tells two runs apart to the last bit: losses, weights and random state."""

import hashlib
import os
import random

import numpy as np
import torch

torch.set_num_threads(1)
DEVICE = os.environ.get("PARITY_DEVICE", "cpu")
if DEVICE != "cpu":
    torch.set_default_device(DEVICE)
    torch.use_deterministic_algorithms(True)  # two plain runs have to be the same first


def seed():
    random.seed(7)
    np.random.seed(7)
    torch.manual_seed(7)


def digits():
    """A small classification task, made up so that it can be learnt."""
    inputs = torch.randn(128, 8)
    return inputs, (inputs[:, :3] + 0.1 * torch.randn(128, 3)).argmax(1)


def show(losses, *weights):
    """Prints the digest of the losses (floats or tensors), tensors or modules, and generators."""
    digest = hashlib.sha256()
    for loss in losses:
        digest.update(repr(loss.item() if isinstance(loss, torch.Tensor) else loss).encode())
    for thing in weights:
        tensors = thing.state_dict().values() if isinstance(thing, torch.nn.Module) else [thing]
        for tensor in tensors:
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    digest.update(torch.get_rng_state().numpy().tobytes())
    if DEVICE != "cpu":
        digest.update(torch.cuda.get_rng_state().numpy().tobytes())
    digest.update(repr(random.getstate()).encode())
    digest.update(repr(np.random.get_state()).encode())
    assert len(losses) >= 20
    print(len(losses), repr(float(losses[0])), repr(float(losses[-1])), digest.hexdigest())
