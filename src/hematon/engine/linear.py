"""Matrix products whose rows do not depend on the batch they stand in.

A BLAS library picks its inner loops by the shape of the whole product, so the same row can come
out one bit different in a batch of one and in a batch of thousands. Products here are always made
in tiles of the same shape, so that row i of a batch equals the assessment of case i to the byte.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

TILE = 16

Floats = npt.NDArray[np.float64]


def rows_times(rows: Floats, matrix: Floats) -> Floats:
    """Multiply (n, k) by (k, m), each row independent of the others.

    Args:
        rows: (n, k).
        matrix: (k, m).

    Returns:
        (n, m).
    """
    n, k = rows.shape
    short = -n % TILE
    if short:
        rows = np.concatenate([rows, np.zeros((short, k))])
    tiles = np.ascontiguousarray(rows).reshape(-1, TILE, k)
    product: Floats = np.matmul(tiles, matrix).reshape(-1, matrix.shape[1])[:n]
    return product
