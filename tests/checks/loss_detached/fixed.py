import torch
from torch import nn

torch.manual_seed(42)
torch.set_num_threads(1)

X = torch.randn(800, 10)
Y = (X[:, 0] * X[:, 1] > 0).long() + (X[:, 2] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(10, 50)
        self.fc2 = nn.Linear(50, 3)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)

for epoch in range(10):
    for i in range(0, len(X), 50):
        inputs, labels = X[i : i + 50], Y[i : i + 50]
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
