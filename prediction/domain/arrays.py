"""Array types and the one check that outside numbers pass before any arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from boz.core.errors import InvalidDataError

FloatArray = npt.NDArray[np.float64]


def finite_array(values: Sequence[float] | FloatArray, *, name: str) -> FloatArray:
    """Return ``values`` as a one-dimensional float array.

    Raises:
        InvalidDataError: If a value is NaN or infinite, or the shape is not one-dimensional.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise InvalidDataError(f"The {name} must form one list, had shape {array.shape}.")
    if not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise InvalidDataError(f"The {name} hold {bad} missing or infinite value(s).")
    return array


def finite_number(value: float, *, name: str) -> float:
    """Return ``value`` as a float.

    Raises:
        InvalidDataError: If it is NaN or infinite.
    """
    number = float(value)
    if not np.isfinite(number):
        raise InvalidDataError(f"The {name} must be a finite number, was {value}.")
    return number
