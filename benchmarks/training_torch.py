"""PyTorch's side of training.py: the same network and the same step, in an environment that has nothing but PyTorch.

Not to be run by hand: reads orders from standard input, one a line, and answers each with a line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

PICTURES, HEIGHT, WIDTH, LENGTH = 64, 60, 160, 4

# CNN5 in its geometry `wide`: kernel, filters, pool.
UNITS = ((7, 32, (2, 2)), (5, 64, (2, 2)), (3, 128, (2, 1)), (3, 128, (2, 1)), (3, 64, (2, 1)))

CLIP_NORM, RATE, WEIGHT_DECAY = 1.0, 1e-3, 1e-2


class Network(nn.Module):
    """Pictures uint8 [N, 1, H, W] to scores float32 [T, N, K]."""

    def __init__(self, classes: int, hidden: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, height = 1, HEIGHT
        for kernel, filters, pool in UNITS:
            layers += [
                nn.Conv2d(channels, filters, kernel, padding=kernel // 2, bias=False),
                nn.MaxPool2d(pool, ceil_mode=True),
                nn.BatchNorm2d(filters, eps=1e-3, momentum=0.05),
                nn.LeakyReLU(0.01),
            ]
            channels, height = filters, -(-height // pool[0])
        self.features = nn.Sequential(*layers)
        self.recurrent = nn.LSTM(channels * height, hidden, bidirectional=True)
        self.scores = nn.Linear(2 * hidden, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores."""
        seen = self.features(images.float() / 127.5 - 1)
        frames = seen.permute(3, 0, 2, 1).flatten(2)  # [T, N, H' * F]
        return self.scores(self.recurrent(frames)[0]).float()


def main() -> None:
    """Build what the arguments say, then do steps as often as asked."""
    mode, precision, classes, hidden = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    step, parameters = build(mode, precision, classes, hidden)
    for _ in range(3):
        step()
    answer({"parameters": parameters, "version": torch.__version__})
    for line in sys.stdin:
        answer([timed(step) for _ in range(int(line))])


def build(mode: str, precision: str, classes: int, hidden: int) -> tuple[Callable[[], float], int]:
    """Return a training step, and how many parameters it trains."""
    torch.manual_seed(0)
    network: nn.Module = Network(classes, hidden)
    images = torch.randint(0, 256, (PICTURES, 1, HEIGHT, WIDTH), dtype=torch.uint8)
    labels = torch.randint(1, classes, (PICTURES, LENGTH), dtype=torch.int32)
    if mode != "eager":  # compiled on top of channels-last, the faster of both
        network = network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    # Decay of kernels only, as ours.
    groups = [
        {"params": [p for p in network.parameters() if p.dim() > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in network.parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE)
    loss_of = nn.CTCLoss(zero_infinity=True)
    lengths = torch.full((PICTURES,), LENGTH)
    forward: Callable[[Tensor], Tensor] = torch.compile(network) if mode == "compiled" else network

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            scores = forward(images)
        frames = torch.full((PICTURES,), scores.shape[0])
        loss = loss_of(scores.log_softmax(-1), labels, frames, lengths)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
        optimizer.step()
        return loss.item()

    return step, sum(parameter.numel() for parameter in network.parameters())


def timed(step: Callable[[], float]) -> float:
    """Return the seconds of one step."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def answer(value: object) -> None:
    """Write one line of JSON."""
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
