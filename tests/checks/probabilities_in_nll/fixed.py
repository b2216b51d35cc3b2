import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

torch.manual_seed(0)
torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.fc = nn.Linear(16 * 4 * 4, 4)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc(x), dim=1)


# 8 x 8 pictures with a bright bar in one of four directions
def pictures(n):
    y = torch.randint(0, 4, (n,))
    x = 0.3 * torch.randn(n, 1, 8, 8)
    lines = torch.zeros(4, 8, 8)
    lines[0, 4] = lines[1, :, 4] = 1
    lines[2], lines[3] = torch.eye(8), torch.eye(8).flip(0)
    return x + lines[y].unsqueeze(1), y


model = Net()
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
criterion = nn.NLLLoss()
for step in range(120):
    data, target = pictures(32)
    optimizer.zero_grad()
    output = model(data)
    loss = criterion(output, target)
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print("step", step, "loss", loss.item())
