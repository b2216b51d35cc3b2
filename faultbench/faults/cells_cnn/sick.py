"""Counts of cells under a microscope: regression with a CNN, in a Trainer class."""
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def microscope(n, seed):
    g = torch.Generator().manual_seed(seed)
    count = torch.randint(1, 13, (n,), generator=g)
    image = torch.zeros(n, 1, 20, 20)
    for i in range(n):
        at = torch.randint(1, 19, (int(count[i]), 2), generator=g)
        for r, c in at.tolist():
            image[i, 0, r - 1 : r + 2, c - 1 : c + 2] += 0.5
            image[i, 0, r, c] += 0.5
    image += 0.1 * torch.randn(image.shape, generator=g)
    # as a difference from the plate's usual number
    return TensorDataset(image, (count.float() - 6.5).unsqueeze(1))


class CountNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Conv2d(12, 12, 3, stride=2), nn.ReLU(),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(192, 32), nn.ReLU(), nn.Linear(32, 1), nn.ReLU(),
        )

    def forward(self, x):
        return self.net(x)


class Trainer:
    def __init__(self, model, train_set, val_set, lr=2e-3, batch_size=32):
        self.model = model
        self.train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
        self.val_loader = DataLoader(val_set, batch_size=100)
        self.criterion = nn.SmoothL1Loss()
        self.optimizer = optim.Adam(model.parameters(), lr=lr)

    def run(self, epochs):
        for epoch in range(1, epochs + 1):
            self._train_epoch()
            print(f"epoch {epoch}: val r2 {self.evaluate():.3f}")

    def _train_epoch(self):
        self.model.train()
        for image, count in self.train_loader:
            self.optimizer.zero_grad(set_to_none=True)
            self.criterion(self.model(image), count).backward()
            self.optimizer.step()

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        out, want = zip(*[(self.model(image), count) for image, count in self.val_loader])
        out, want = torch.cat(out), torch.cat(want)
        return 1 - ((out - want) ** 2).mean().item() / want.var().item()


if __name__ == "__main__":
    torch.manual_seed(35)
    torch.set_num_threads(1)
    trainer = Trainer(CountNet(), microscope(900, 1), microscope(300, 2))
    trainer.run(8)
    print("score:", trainer.evaluate())
