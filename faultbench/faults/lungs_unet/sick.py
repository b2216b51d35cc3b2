"""A small U-Net that outlines bright organs in noisy scans (Dice loss)."""

import torch
import torch.nn as nn


def double_conv(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(c_out, c_out, 3, padding=1),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.down1 = double_conv(1, width)
        self.down2 = double_conv(width, 2 * width)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.conv = double_conv(2 * width, width)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        skip = self.down1(x)
        x = self.up(self.down2(self.pool(skip)))
        return torch.sigmoid(self.out(self.conv(torch.cat([skip, x], dim=1))))


class DiceLoss(nn.Module):
    def __init__(self, threshold=0.5, smooth=1.0):
        super().__init__()
        self.threshold, self.smooth = threshold, smooth

    def forward(self, pred, mask):
        pred = torch.tensor((pred > self.threshold).float(), requires_grad=True)
        overlap = (pred * mask).sum(dim=(1, 2, 3))
        total = pred.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3))
        return 1 - ((2 * overlap + self.smooth) / (total + self.smooth)).mean()


def scans(n, g):
    yy, xx = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    cx, cy, r = (torch.rand(3, n, 1, 1, generator=g) * torch.tensor([14.0, 14.0, 3.0]).view(3, 1, 1, 1)
                 + torch.tensor([5.0, 5.0, 3.0]).view(3, 1, 1, 1))
    mask = (((xx - cx) ** 2 + (yy - cy) ** 2) < r**2).float().unsqueeze(1)
    shade = torch.rand(n, 1, 1, 1, generator=g)
    return 0.8 * mask + shade + 0.4 * torch.randn(n, 1, 24, 24, generator=g), mask


def main():
    import warnings

    warnings.simplefilter("ignore")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    g = torch.Generator().manual_seed(2)
    net, criterion = UNet(), DiceLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for it in range(80):
        image, mask = scans(16, g)
        loss = criterion(net(image), mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if it % 20 == 0:
            print("iteration", it, "dice loss", round(loss.item(), 3))
    net.eval()
    with torch.no_grad():
        image, mask = scans(200, g)
        pred = (net(image) > 0.5).float()
        iou = ((pred * mask).sum((1, 2, 3)) / ((pred + mask) > 0).float().sum((1, 2, 3)).clamp(min=1)).mean()
    print("score:", iou.item())


main()
