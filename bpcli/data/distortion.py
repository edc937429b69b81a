"""images and a random generator in -> images distorted at random out.

Simard, Steinkraus & Platt 2003: elastic fields, and affine maps.
"""

import math

import numpy as np

from bpcli.arrays import Array, Bytes, Size
from bpcli.data.warp import grid, warp

AFFINE = 3  # fields of the affine maps: row, column and 1
LOST = 1e-4  # the share of the elastic fields' variance that may be left out


class Distortion:
    """Displaces the pixels of images of `size` (height, width), each image in its own way.

    The displacement of an image, down and to the right, is a sum of fixed fields, `basis` (fields,
    pixels), times random `coefficients`: all mini-batch's displacements are one matrix product.
    The fields are smooth bumps (elastic) and then row, column and 1 (affine).

    An elastic field is alpha times noise, uniform in -1 to 1, smoothed by a Gaussian of deviation
    sigma. So many pixels add up in it that it is normal, with the deviation
    alpha / (sigma sqrt(12 pi)) and the correlation exp(-d^2 / (4 sigma^2)) at a distance d: it is
    drawn from that distribution, as if the noise went on beyond the image.

    An affine map has a random angle of at most `rotation` degrees, a shear and a change of scale,
    down and across, of at most these shares, and a shift of at most so many pixels.
    """

    def __init__(
        self,
        size: Size,
        *,
        alpha: float = 0.0,
        sigma: float = 4.0,
        rotation: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        shift: float = 0.0,
    ) -> None:
        self.size = size
        self.rotation, self.scale, self.shear, self.shift = rotation, scale, shear, shift
        rows, columns = grid(size)
        rows -= rows.mean()  # the affine map turns about the middle
        columns -= columns.mean()
        affine = np.stack([rows, columns, np.ones_like(rows)])
        self.basis = np.concatenate([_smooth_fields(size, alpha, sigma), affine])

    def __call__(self, images: Bytes, rng: np.random.Generator) -> Bytes:
        """Return distorted copies of `images` (N, pixels)."""
        n, fields = len(images), len(self.basis)
        coefficients = np.empty((2, n, fields), np.float32)
        coefficients[:, :, :-AFFINE] = rng.standard_normal((2, n, fields - AFFINE), np.float32)
        coefficients[:, :, -AFFINE:] = self._affine(n, rng)
        dy, dx = np.matmul(coefficients.reshape(2 * n, fields), self.basis).reshape(2, n, -1)
        return warp(images, self.size, dy, dx)

    def _affine(self, n: int, rng: np.random.Generator) -> Array:
        """Return, for dy and dx (2), of each image (n), how they grow with row and column, and 1.

        The map is rotation, after shear, after scale; the matrix is what it changes.
        """

        def draw(largest: float) -> Array:
            return rng.uniform(-largest, largest, n)

        angle = draw(math.radians(self.rotation))
        shear = draw(self.shear)
        down, right = 1 + draw(self.scale), 1 + draw(self.scale)
        cos, sin = np.cos(angle), np.sin(angle)
        dy = [(cos + sin * shear) * down - 1, sin * right, draw(self.shift)]
        dx = [(cos * shear - sin) * down, cos * right - 1, draw(self.shift)]
        return np.moveaxis(np.array([dy, dx]), 1, 2)


def _smooth_fields(size: Size, alpha: float, sigma: float) -> Array:
    """Return fields (fields, pixels) that, times standard normal numbers, add up to elastic ones.

    The correlation is a product of one down and one across, and so are its eigenvectors.
    """
    if not alpha:
        return np.empty((0, math.prod(size)), np.float32)
    down, across = (np.linalg.eigh(_correlation(length, sigma)) for length in size)
    variances = np.outer(down.eigenvalues, across.eigenvalues).ravel()
    order = np.argsort(variances)[::-1]
    kept = order[: 1 + np.searchsorted(variances[order].cumsum(), (1 - LOST) * variances.sum())]
    i, j = np.unravel_index(kept, size)
    fields = np.einsum("rk,ck->krc", down.eigenvectors[:, i], across.eigenvectors[:, j])
    deviation = alpha / (sigma * math.sqrt(12 * math.pi))
    scales = deviation * np.sqrt(variances[kept])
    smooth: Array = (scales[:, np.newaxis] * fields.reshape(len(kept), -1)).astype(np.float32)
    return smooth


def _correlation(length: int, sigma: float) -> Array:
    """Return that between the numbers (length, length) of smoothed noise in a row."""
    distance = np.subtract.outer(np.arange(length), np.arange(length))
    correlation: Array = np.exp(-((distance / sigma) ** 2) / 4)
    return correlation
