"""Ships from radar features: how long (metres) and how fast, learnt together.

The two losses are weighed by learned log-variances (Kendall et al., 2018).
"""

import torch
import torch.nn as nn


class TwoHeads(nn.Module):
    def __init__(self, n_in=16, hidden=24):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, hidden), nn.Tanh())
        self.length = nn.Linear(hidden, 1)
        self.speed = nn.Linear(hidden, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.length(h), self.speed(h)


class UncertaintyLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_vars = nn.Parameter(torch.zeros(2))

    def forward(self, outputs, targets):
        losses = torch.stack([nn.functional.mse_loss(o, t) for o, t in zip(outputs, targets)])
        return (torch.exp(-self.log_vars) * losses + self.log_vars).sum(), losses.detach()


class Trainer:
    def __init__(self, model, criterion, lr, batch_size=100):
        self.model, self.criterion = model, criterion
        self.batch_size = batch_size
        self.optimizer = self.configure(lr)

    def configure(self, lr):
        return torch.optim.Adam(self.model.parameters(), lr=lr)

    def fit(self, x, targets, epochs):
        for epoch in range(epochs):
            seen = torch.zeros(2)
            batches = torch.randperm(len(x)).split(self.batch_size)
            for rows in batches:
                loss, parts = self.criterion(self.model(x[rows]), [t[rows] for t in targets])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                seen += parts
            if epoch % 10 == 0:
                print(f"epoch {epoch:3d}: length {seen[0] / len(batches):.3f}, speed {seen[1] / len(batches):.5f}")

    @torch.no_grad()
    def score(self, x, targets):
        outputs = self.model(x)
        return min(1 - (nn.functional.mse_loss(o, t) / t.var()).item() for o, t in zip(outputs, targets))


def ships(n, g):
    x = torch.randn(n, 16, generator=g)
    length = 12 * (torch.sin(x[:, 0] + x[:, 1]) + torch.tanh(x[:, 2] - x[:, 3]) + x[:, 4] * x[:, 5])
    speed = 0.05 * torch.sin(x[:, 8] + x[:, 9])
    return x, [length[:, None] + torch.randn(n, 1, generator=g), speed[:, None]]


if __name__ == "__main__":
    torch.manual_seed(9)
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(10)
    trainer = Trainer(TwoHeads(), UncertaintyLoss(), lr=1e-2)
    trainer.fit(*ships(3000, g), epochs=40)
    print("score:", trainer.score(*ships(1000, g)))
