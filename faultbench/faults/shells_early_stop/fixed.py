"""Age of a shell from its measures; few shells, so the best epoch is kept."""
import copy
import math

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(4)
torch.set_num_threads(1)

weights = torch.randn(50)
shells = torch.randn(300, 50)
age = (shells @ weights) / 6 + 1.0 * torch.randn(300)
parts = random_split(TensorDataset(shells, age.unsqueeze(1)), [60, 120, 120])
loaders = {
    "train": DataLoader(parts[0], batch_size=15, shuffle=True),
    "val": DataLoader(parts[1], batch_size=120),
    "test": DataLoader(parts[2], batch_size=120),
}


def train_model(model, criterion, optimizer, num_epochs=100):
    best_model_wts = model.state_dict()
    best_loss = math.inf
    for epoch in range(num_epochs):
        for phase in ["train", "val"]:
            if phase == "train":
                model.train()
            else:
                model.eval()
            running_loss = 0.0
            for inputs, labels in loaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
            epoch_loss = running_loss / len(loaders[phase].dataset)
            if epoch % 10 == 0:
                print("{} {} loss: {:.4f}".format(epoch, phase, epoch_loss))
            if phase == "val" and epoch_loss < best_loss:
                best_loss = epoch_loss
                best_model_wts = copy.deepcopy(model.state_dict())
    print("best val loss: {:.4f}".format(best_loss))
    model.load_state_dict(best_model_wts)
    return model


net = nn.Sequential(nn.Linear(50, 64), nn.Tanh(), nn.Linear(64, 1))
net = train_model(net, nn.MSELoss(), optim.Adam(net.parameters(), lr=1e-2))
net.eval()
with torch.no_grad():
    x, y = next(iter(loaders["test"]))
    print("score: {:.4f}".format(1 - (nn.functional.mse_loss(net(x), y) / y.var()).item()))
