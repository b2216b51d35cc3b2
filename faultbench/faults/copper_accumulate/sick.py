"""Predicts copper prices with Accelerate and small batches that are added up."""
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(14)
torch.set_num_threads(1)

accelerator = Accelerator(cpu=True)
days = torch.randn(1600, 20)
price = torch.tanh(days[:, :5].sum(1)) + 0.5 * torch.sin(2 * days[:, 6]) + 0.1 * torch.randn(1600)
data = TensorDataset(days, price[:, None])
train, test = torch.utils.data.Subset(data, range(1200)), torch.utils.data.Subset(data, range(1200, 1600))

model = nn.Sequential(nn.Linear(20, 64), nn.GELU(), nn.Linear(64, 1))
loader = DataLoader(train, batch_size=8, shuffle=True)
epochs, accumulation = 6, 4
optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9)
steps = epochs * len(loader) // accumulation
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)

for epoch in range(epochs):
    model.train()
    for i, (x, y) in enumerate(loader):
        loss = nn.functional.mse_loss(model(x), y) / accumulation
        accelerator.backward(loss)
        if (i + 1) % accumulation == 0:
            optimizer.step()
            optimizer.zero_grad()
        scheduler.step()
    accelerator.print(f"epoch {epoch}: {loss.item() * accumulation:.4f}, rate {scheduler.get_last_lr()[0]:.4f}")

model.eval()
with torch.no_grad():
    x, y = test[:]
    print("score:", 1 - (nn.functional.mse_loss(model(x), y) / y.var()).item())
