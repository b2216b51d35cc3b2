"""At which steps a script keeps weights."""

from __future__ import annotations

import copy
import io

import torch
from torch import nn

from assay.probes.evaluation.kept_weights import KeptWeights
from assay.probes.model.structure import Structure

from .conftest import Watching


def test_every_way_to_keep_weights_is_seen_once_a_step(watched: Watching) -> None:
    ways = (
        lambda model: model.state_dict(),
        lambda model: torch.save(model, io.BytesIO()),
        lambda model: copy.deepcopy(model),
        lambda model: None,
        lambda model: torch.save({"model": model.state_dict()}, io.BytesIO()),
        lambda model: [model.state_dict(), copy.deepcopy(model)],
    )
    with watched(Structure, KeptWeights) as seen:
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        model.state_dict()  # nothing is trained yet
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for way in ways:
            model(torch.ones(3, 2)).sum().backward()
            optimizer.step()
            way(model)
    assert list(seen.view.trainings[0].series("weights_kept").steps) == [1, 2, 3, 5, 6]
