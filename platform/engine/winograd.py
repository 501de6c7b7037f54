"""Short convolutions with fewer multiplications: the matrices, and where they are worth it. Pure.

m outputs of a filter with r taps take m * r multiplications; Toom and Cook's algorithm takes m + r - 1 (Winograd,
Arithmetic Complexity of Computations, 1980; in networks: Lavin and Gray 2015, arXiv 1509.09308). Data d and filter g
are values of polynomials at m + r - 1 points, where a product of polynomials is a product of numbers:

    y = A^T [(G g) * (B^T d)]

Only one axis is treated so: along both, four times as much would have to be moved to and fro.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
_Rows = list[list[Fraction]]

# Small numbers keep the error near that of a usual convolution.
_POINTS = tuple(map(Fraction, ("0", "1", "-1", "2", "-2", "1/2", "-1/2")))
MOST_POINTS = len(_POINTS) + 1  # and the infinite one

TILES = (4, 3, 2)  # outputs at once, the best first

# Multiply-adds that are saved for each value that goes in and comes out. Measured on 2 cores with AVX512 at 15x40 to
# 30x80: 96 made a step of a convolution 7 % longer, 144 took 4 % off, 180 took 13 % and 290 took 25 %.
WORTH = 170


@dataclass(frozen=True, eq=False)
class Transforms:
    """The matrices for m outputs of r taps, n = m + r - 1.

    Attributes:
        outputs: A^T [m, n].
        taps: G [n, r].
        data: B^T [n, n].
    """

    outputs: Matrix
    taps: Matrix
    data: Matrix


@cache
def transforms(outputs: int, taps: int) -> Transforms:
    """Return the matrices for so many outputs at once of a filter with so many taps; `MOST_POINTS` bounds both."""
    size = outputs + taps - 1
    points = _POINTS[: size - 1]
    inverse = np.array(_inverse(_powers(points, size)), np.float64)
    data = inverse.T
    kernel = np.array(_powers(points, taps), np.float64)
    # What a row of G is multiplied by, that of B^T may be divided by: the same size in both loses the fewest digits.
    scale = np.sqrt(np.abs(data).sum(1, keepdims=True) / np.abs(kernel).sum(1, keepdims=True))
    return Transforms(
        np.array(_powers(points, outputs), np.float32).T,
        (kernel * scale).astype(np.float32),
        (data / scale).astype(np.float32),
    )


def rows_at_once(height: int, kernel: Sequence[int], channels: int, filters: int, worth: float = WORTH) -> int | None:
    """Return how many rows of a convolution's outputs are best made at once; None where the usual way is faster.

    Args:
        height: rows of the outputs, with one for each row of the images.
        kernel: its (height, width).
        channels: of the images.
        filters: channels of the outputs.
        worth: multiply-adds to save for each value that goes in and comes out.
    """
    taps, width = kernel
    if height < 1:
        return None
    possible = [rows for rows in TILES if rows + taps - 1 <= MOST_POINTS and taps % 2]
    fewest = min(possible, key=lambda rows: _products(height, rows, taps), default=None)
    if fewest is None:
        return None
    saved = (height * taps - _products(height, fewest, taps)) * width * channels * filters / height
    return fewest if saved >= worth * (channels + filters) else None


def _products(height: int, rows: int, taps: int) -> int:
    return -(-height // rows) * (rows + taps - 1)


def _powers(points: tuple[Fraction, ...], count: int) -> _Rows:
    """Return 1, p, p^2, ... of each point; of the infinite one only the highest counts."""
    return [[point**power for power in range(count)] for point in points] + [
        [Fraction(0)] * (count - 1) + [Fraction(1)]
    ]


def _inverse(matrix: _Rows) -> _Rows:
    """Return the exact inverse, by Gauss and Jordan."""
    size = len(matrix)
    rows = [[*row, *(Fraction(column == number) for column in range(size))] for number, row in enumerate(matrix)]
    for column in range(size):
        pivot = next(number for number in range(column, size) if rows[number][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for number in range(size):
            factor = rows[number][column]
            if number != column and factor:
                rows[number] = [a - factor * b for a, b in zip(rows[number], rows[column], strict=True)]
    return [row[size:] for row in rows]
