"""Numerical derivatives of a known function."""

import numpy as np
import pytest
from mistakes import methods

from bpcli.gradcheck.numerical import METHODS, along, element


@methods
def test_derivatives_of_a_known_function(method):
    dtype = np.complex128 if method == "complex" else np.float64
    p = np.array([[1.0, -2.0], [0.5, 3.0]]).astype(dtype)
    before = p.copy()

    def function():
        return (p**3).sum()

    slope = METHODS[method]
    found = [slope(function, element(p, i)) for i in range(4)]
    np.testing.assert_allclose(found, [3, 12, 0.75, 27], rtol=1e-9)
    direction = np.array([[1.0, 2.0], [0.0, -1.0]])
    assert slope(function, along(p, direction)) == pytest.approx(3 + 24 - 27, abs=1e-8)
    np.testing.assert_array_equal(p, before)
