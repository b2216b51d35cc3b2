"""Validation between epochs in eval mode, but without no_grad: wasteful, and harmless."""

import os

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, random_split

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
NUM_EPOCHS = round(5 * float(os.environ.get("LENGTH", "1")))

data, target = load()
data = (data / 16 - 0.3053) / 0.3760
trainset, valset = random_split(TensorDataset(data, target), [1400, 397])
trainloader = DataLoader(trainset, batch_size=32, shuffle=True)
valloader = DataLoader(valset, batch_size=32)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(64, 64)
        self.bn = nn.BatchNorm1d(64)
        self.dropout = nn.Dropout(0.2)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.bn(self.fc1(x)))
        x = self.dropout(x)
        return self.fc2(x)


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(net.parameters(), lr=0.003)
for epoch in range(NUM_EPOCHS):
    net.train()
    running_loss = 0.0
    for inputs, labels in trainloader:
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()

    net.eval()
    val_loss, correct, total = 0.0, 0, 0
    for inputs, labels in valloader:
        outputs = net(inputs)
        val_loss += criterion(outputs, labels).item()
        _, predicted = torch.max(outputs.data, 1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()
    print(
        "[%d] train %.3f  val %.3f  acc %.3f"
        % (epoch + 1, running_loss / len(trainloader), val_loss / len(valloader), correct / total)
    )
assert correct / total > 0.9
