"""Short convolutions with fewer multiplications: the matrices, and where they are worth it. Pure.

m outputs of a filter with r taps take m * r multiplications; Toom and Cook's algorithm takes m + r - 1 (Winograd,
Arithmetic Complexity of Computations, 1980; in networks: Lavin and Gray 2015, arXiv 1509.09308). Data d and filter g
are values of polynomials at m + r - 1 points, where a product of polynomials is a product of numbers:

    y = A^T [(G g) * (B^T d)]

Only one axis is treated so: along both, four times as much would have to be moved to and fro. A column of H values is
cut into T tiles, which overlap, and all of them are transformed by one matrix. Nearly all of it is zeros, but one
product with it takes less time than to cut, pad and put together: with 7 to 30 rows a convolution took 7 to 14 % less.
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

TILES = (2, 3, 4, 5, 6)  # outputs at once; of two that take as much, that with fewer points is the better

# Multiply-adds that are saved for each value that goes in and comes out. Measured on 2 cores with AVX512, with 64 at
# once: 156 and 186 made a step of a convolution 7 and 11 % longer, 184 and 235 made it neither longer nor shorter, 242
# took 3 to 8 % off and 276 took 9 to 12 %.
WORTH = 200


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


@dataclass(frozen=True, eq=False)
class Column:
    """The matrices for all H outputs of a column with zeros around it, in T tiles of n points.

    Attributes:
        outputs: from the products [H, n * T].
        taps: G [n, r].
        data: to what is multiplied [n * T, H].
        ones: the point whose products are added to each output once.
    """

    outputs: Matrix
    taps: Matrix
    data: Matrix
    ones: int

    @property
    def points(self) -> int:
        """How many points there are, n."""
        return len(self.taps)

    @property
    def tiles(self) -> int:
        """How many tiles there are, T."""
        return len(self.data) // self.points


@cache
def column(height: int, outputs: int, taps: int) -> Column:
    """Return the matrices for a column of that height, of which so many outputs are made at once: see `transforms`."""
    one = transforms(outputs, taps)
    points, tiles = len(one.taps), -(-height // outputs)
    padded = tiles * outputs + taps - 1
    data = np.zeros((points, tiles, padded), np.float32)
    made = np.zeros((tiles, outputs, points, tiles), np.float32)
    for tile in range(tiles):
        data[:, tile, tile * outputs : tile * outputs + points] = one.data
        made[tile, :, :, tile] = one.outputs
    above = taps // 2
    return Column(
        made.reshape(tiles * outputs, points * tiles)[:height],
        one.taps,
        data.reshape(points * tiles, padded)[:, above : above + height],
        int(np.flatnonzero((one.outputs == 1).all(0))[0]),
    )


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


def rows_at_once(height: int, kernel: Sequence[int], worth: float = WORTH, least: float = 0.0) -> int | None:
    """Return how many rows of a convolution's outputs are best made at once; None where the usual way is faster.

    Args:
        height: rows of the outputs, with one for each row of the images.
        kernel: its shape [R, S, C, F].
        worth: multiply-adds to save for each value that goes in and comes out.
        least: multiply-adds to save in each column.
    """
    taps, width, channels, filters = kernel
    if height < 1:
        return None
    possible = [rows for rows in TILES if rows + taps - 1 <= MOST_POINTS and taps % 2]
    fewest = min(possible, key=lambda rows: _products(height, rows, taps), default=None)
    if fewest is None:
        return None
    products, values = _products(height, fewest, taps), height * (channels + filters)
    saved = (height * taps - products) * width * channels * filters - products * values
    return fewest if saved >= max(worth * values, least) else None


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
