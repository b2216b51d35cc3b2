"""Two networks that teach each other: probabilities as targets, plain and as logarithms.

One of the targets is an attention map of the other network, one sums to 1 over two dimensions, one
carries a gradient, and one is the plain label as a distribution (smoothed by hand).
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)


class Reader(nn.Module):
    """Looks for the marked one of six items, and says its colour."""

    def __init__(self):
        super().__init__()
        self.score = nn.Linear(5, 1)
        self.colour = nn.Linear(5, 4)

    def forward(self, items):
        scores = self.score(items).squeeze(-1)
        weights = scores.softmax(-1)
        return scores, weights, self.colour((weights.unsqueeze(-1) * items).sum(1))


def draw(n=64):
    colour = torch.randint(0, 4, (n, 6))
    marked = torch.randint(0, 6, (n,))
    mark = F.one_hot(marked, 6).float()
    items = torch.cat([F.one_hot(colour, 4).float(), mark.unsqueeze(-1)], -1)
    return items, colour.gather(1, marked[:, None]).squeeze(1)


pair = [Reader(), Reader()]
optimizers = [torch.optim.Adam(net.parameters(), lr=2e-2) for net in pair]
for _ in range(250):
    items, label = draw()
    outs = [net(items) for net in pair]
    smooth = 0.9 * F.one_hot(label, 4) + 0.025
    for (scores, weights, logits), (_, guide, other), optimizer in zip(
        outs, reversed(outs), optimizers, strict=True
    ):
        log_p = F.log_softmax(logits, 1)
        loss = F.kl_div(log_p, smooth, reduction="batchmean")
        loss = loss + 0.1 * F.kl_div(
            log_p, other.detach().log_softmax(1), reduction="batchmean", log_target=True
        )
        loss = loss + 0.1 * F.kl_div(scores.log_softmax(-1), guide.detach(), reduction="batchmean")
        loss = loss + 0.01 * F.kl_div(log_p, log_p.exp(), reduction="batchmean")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
items, label = draw(800)
accuracy = (pair[0](items)[2].argmax(1) == label).float().mean().item()
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.9
