"""Crops from spectra: a LightningModule with batch norm, dropout and a one-cycle schedule."""
import logging
import warnings

import lightning.pytorch as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)


class Spectra(pl.LightningDataModule):
    def setup(self, stage=None):
        g = torch.Generator().manual_seed(8)
        base = torch.randn(12, 50, generator=g)
        kind = torch.randint(0, 12, (1600,), generator=g)
        x = base[kind] + 1.7 * torch.randn(1600, 50, generator=g)
        self.train, self.val = TensorDataset(x[:1200], kind[:1200]), TensorDataset(x[1200:], kind[1200:])

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=40, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=200)


class CropNet(pl.LightningModule):
    def __init__(self, lr=0.05, epochs=5):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Linear(50, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 12)
        )

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_acc", (self(x).argmax(1) == y).float().mean())

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams.lr / 25)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=self.hparams.lr, total_steps=30 * self.hparams.epochs, div_factor=1000
        )
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]


pl.seed_everything(2, verbose=False)
model = CropNet()
trainer = pl.Trainer(
    max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
)
trainer.fit(model, datamodule=Spectra())
print("score:", trainer.callback_metrics["val_acc"].item())
