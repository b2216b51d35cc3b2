"""A small convolutional net, trained by a hand-made Trainer with hooks for callbacks."""

import torch
from torch import nn

from assay.demo import digits


class DigitModule(nn.Module):
    """Model, loss and optimizer in one class."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(8 * 16, 10)

    def forward(self, x):
        return self.fc(self.pool(torch.relu(self.conv(x))).flatten(1))

    def training_step(self, batch):
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)

    def validation_step(self, batch):
        x, y = batch
        return nn.functional.cross_entropy(self(x), y).item()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05)


class Trainer:
    def __init__(self, max_epochs, callbacks=()):
        self.max_epochs = max_epochs
        self.callbacks = list(callbacks)

    def fit(self, module, train_batches, val_batches):
        optimizer = module.configure_optimizers()
        for epoch in range(self.max_epochs):
            module.train()
            for batch in train_batches():
                loss = module.training_step(batch)
                loss.backward()
                optimizer.step()
            module.eval()
            with torch.no_grad():
                losses = [module.validation_step(batch) for batch in val_batches()]
            for callback in self.callbacks:
                callback(epoch, sum(losses) / len(losses))


def main():
    torch.manual_seed(4)
    torch.set_num_threads(1)
    images, labels = digits.load()
    images = (images / 16).view(-1, 1, 8, 8)

    def train_batches():
        for index in torch.randperm(1400).split(50):
            yield images[index], labels[index]

    def val_batches():
        yield images[1400:], labels[1400:]

    trainer = Trainer(8, [lambda epoch, loss: print(f"epoch {epoch}: val_loss={loss:.4f}")])
    trainer.fit(DigitModule(), train_batches, val_batches)


if __name__ == "__main__":
    main()
