"""Which of five keys was pressed: a recurrent network over short envelopes, written as a class."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class KeyPress(nn.Module):
    def __init__(self, keys=5, width=24):
        super().__init__()
        self.rnn = nn.GRU(3, width, batch_first=True)
        self.head = nn.Linear(width, keys)

    def forward(self, x):
        return self.head(self.rnn(x)[1][0])


class Trainer:
    def __init__(self, model, loader, epochs):
        self.model, self.loader, self.epochs = model, loader, epochs
        self.optim = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
        self.sched = torch.optim.lr_scheduler.StepLR(self.optim, step_size=4, gamma=0.3)

    def fit(self):
        for epoch in range(self.epochs):
            losses = []
            for batch in self.loader:
                losses.append(self.step(*batch))
            mean = sum(losses) / len(losses)
            print(f"[{epoch + 1}] {mean:.4f} lr={self.sched.get_last_lr()[0]:.1e}")

    def step(self, x, key):
        self.optim.zero_grad()
        loss = nn.functional.cross_entropy(self.model(x), key)
        loss.backward()
        self.optim.step()
        self.sched.step()  # expect: scheduler-unit-mismatch
        return loss.item()


torch.manual_seed(11)
torch.set_num_threads(1)
key = torch.randint(0, 5, (800,))
shape = torch.randn(5, 12, 3)
x = shape[key] + 1.0 * torch.randn(800, 12, 3)
Trainer(KeyPress(), DataLoader(TensorDataset(x, key), batch_size=40, shuffle=True), 10).fit()
