"""An autoencoder of letters as a LightningModule, with a probe on its code."""
import logging
import warnings

import lightning as L
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)

LETTERS = torch.rand(26, 36, generator=torch.Generator().manual_seed(4)).round()


def letters(count, seed):
    g = torch.Generator().manual_seed(seed)
    which = torch.randint(0, 26, (count,), generator=g)
    flip = torch.rand(count, 36, generator=g) < 0.08
    return (LETTERS[which] - flip.float()).abs()


class Autoencoder(L.LightningModule):
    def __init__(self, widths=(36, 48, 12)):
        super().__init__()
        self.encoder = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.decoder = nn.Sequential(nn.Linear(widths[-1], 36))

    def encode(self, x):
        for layer in self.encoder:
            x = torch.tanh(layer(x))
        return x

    def training_step(self, batch, batch_idx):
        (x,) = batch
        loss = F.binary_cross_entropy_with_logits(self.decoder(self.encode(x)), x)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        (x,) = batch
        self.log("val_loss", F.binary_cross_entropy_with_logits(self.decoder(self.encode(x)), x))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=5e-3)


L.seed_everything(7, verbose=False)
model = Autoencoder()
trainer = L.Trainer(
    max_epochs=10, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
)
trainer.fit(
    model,
    DataLoader(TensorDataset(letters(1200, 1)), batch_size=40, shuffle=True),
    DataLoader(TensorDataset(letters(300, 2)), batch_size=100),
)
print("score:", 1 - trainer.callback_metrics["val_loss"].item() / 0.6931)
