"""A small network learns from a large one and from few labels (knowledge distillation)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(23)
torch.set_num_threads(1)
T, ALPHA, CLASSES = 3.0, 0.9, 6

centre = torch.randn(3 * CLASSES, 12) * 1.3


def petals(n):
    blob = torch.randint(0, 3 * CLASSES, (n,))
    return centre[blob] + torch.randn(n, 12) * 1.2, blob % CLASSES


def net(width):
    return nn.Sequential(nn.Linear(12, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, CLASSES))


def accuracy(model, data):
    model.eval()
    with torch.no_grad():
        return (model(data[0]).argmax(1) == data[1]).float().mean().item()


def skill(model, data):
    """1 for sure and right, 0 for a guess."""
    model.eval()
    with torch.no_grad():
        return 1 - F.cross_entropy(model(data[0]), data[1]).item() / torch.tensor(CLASSES).log().item()


def train_teacher(data, epochs=12):
    teacher = net(128)
    opt = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(data[0])).split(100):
            opt.zero_grad()
            F.cross_entropy(teacher(data[0][rows]), data[1][rows]).backward()
            opt.step()
    return teacher.eval().requires_grad_(False)


def distill(student, teacher, x, y, epochs=25):
    opt = torch.optim.Adam(student.parameters(), lr=3e-3)
    known = torch.arange(len(x)) < 120  # the others have no label
    for epoch in range(epochs):
        student.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(100):
            logits = student(x[rows])
            with torch.no_grad():
                soft = F.softmax(teacher(x[rows]) / T, dim=1)
            loss_kd = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean") * T * T
            k = known[rows]
            loss_ce = F.cross_entropy(logits[k], y[rows][k]) if k.any() else 0.0
            loss = ALPHA * loss_kd + (1 - ALPHA) * loss_ce
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        if epoch % 5 == 0:
            print(f"epoch {epoch} loss {total:.3f}")
    return student


large, test = petals(3000), petals(1500)
teacher = train_teacher(large)
print("teacher", accuracy(teacher, test))
x, y = petals(1500)
student = distill(net(24), teacher, x, y)
print("accuracy", accuracy(student, test))
print("score:", skill(student, test))
