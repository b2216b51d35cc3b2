"""CTC on sequences of unlike lengths; a few do not fit, and zero_infinity leaves them out.

Targets come joined end to end, some are empty, and many fit exactly.
"""

import torch
from torch import nn

torch.manual_seed(7)
torch.set_num_threads(1)

SYMBOLS = 4
codes = torch.eye(SYMBOLS + 1)
net = nn.GRU(SYMBOLS + 1, 24)
head = nn.Linear(24, SYMBOLS + 1)
criterion = nn.CTCLoss(zero_infinity=True)
exact = nn.CTCLoss()
optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=1e-2)


def utterance(frames):
    """Symbols that last one or two frames, with silence (0) between equal ones."""
    spoken, said = [], []
    while len(spoken) < frames:
        symbol = int(torch.randint(1, SYMBOLS + 1, ()))
        if said and said[-1] == symbol:
            spoken.append(0)
        spoken += [symbol] * int(torch.randint(1, 3, ()))
        said.append(symbol)
    return spoken[:frames], said


for step in range(120):
    lengths = torch.randint(6, 12, (16,))
    spoken, said = zip(*(utterance(int(n)) for n in lengths), strict=True)
    if step % 4 == 0:
        said = ([], *said[1:])
        said = (*said[:-1], [1, 1, 1, 1, 1, 1, 1, 1])  # a label that belongs to another file
    x = nn.utils.rnn.pad_sequence([codes[torch.tensor(s)] for s in spoken])
    log_probs = head(net(x + 0.1 * torch.randn_like(x))[0]).log_softmax(2)
    joined = torch.tensor([symbol for one in said for symbol in one])
    sizes = torch.tensor([len(one) for one in said])
    loss = criterion(log_probs, joined, lengths, sizes)
    four = log_probs[:4, :1]  # four frames, for four labels that differ
    loss = loss + 0.1 * exact(four, torch.tensor([[1, 2, 3, 4]]), (4,), (4,))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.3f}")
