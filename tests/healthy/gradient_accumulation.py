"""Eight micro-batches to a step, the loss divided accordingly, the last group shorter than the
rest.
"""

import os

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
EPOCHS = round(6 * float(os.environ.get("LENGTH", "1")))
ACCUMULATION_STEPS = 8

images, labels = load()
images = images / 16 - 0.3
train = TensorDataset(images[:1500], labels[:1500])
loader = DataLoader(train, batch_size=8, shuffle=True, drop_last=False)

model = nn.Sequential(
    nn.Linear(64, 64), nn.LayerNorm(64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 10)
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)

optimizer.zero_grad()
for epoch in range(EPOCHS):
    model.train()
    for i, (inputs, targets) in enumerate(loader):
        loss = criterion(model(inputs), targets) / ACCUMULATION_STEPS
        loss.backward()
        if (i + 1) % ACCUMULATION_STEPS == 0 or (i + 1) == len(loader):
            optimizer.step()
            optimizer.zero_grad()

    model.eval()
    with torch.no_grad():
        logits = model(images[1500:])
        val_loss = criterion(logits, labels[1500:])
        accuracy = (logits.argmax(1) == labels[1500:]).float().mean()
    print(f"epoch {epoch + 1}: validation loss {val_loss:.3f}, accuracy {accuracy:.3f}")
assert accuracy > 0.85
