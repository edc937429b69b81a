"""images and a displacement of each pixel in -> warped images out; deskewed ones, for one."""

import numpy as np

from bpcli.arrays import Array, Bytes, Size

BEFORE, AFTER = 1, 2  # black pixels around an image, so that every neighbour of a pixel exists
CHUNK = 250  # images at a time, so that what belongs to them stays in the cache


def grid(size: Size) -> tuple[Array, Array]:
    """Return row and column, (pixels,) each, of the pixels of images of size (height, width)."""
    rows, columns = np.indices(size, np.float32)
    return rows.ravel(), columns.ravel()


def warp(images: Bytes, size: Size, dy: Array, dx: Array) -> Bytes:
    """Return images (N, pixels) whose pixel at (r, c) is what `images` show at (r + dy, c + dx).

    `dy` and `dx` (N, pixels), in pixels, are float32 and are used up as scratch memory. Between
    pixels the grey level is interpolated (bilinear), outside the image it is 0 (black).
    """
    height, width = size
    n, stride = len(images), width + BEFORE + AFTER
    inner = slice(BEFORE, BEFORE + height), slice(BEFORE, BEFORE + width)
    padded = np.zeros((n, height + BEFORE + AFTER, stride), np.float32)
    padded[:, *inner] = images.reshape(n, height, width)

    rows, columns = grid(size)
    y, x = dy, dx
    y += rows + BEFORE
    x += columns + BEFORE
    np.clip(y, 0, height + BEFORE, out=y)
    np.clip(x, 0, width + BEFORE, out=x)
    top, left = np.floor(y), np.floor(x)
    y -= top
    x -= left
    top *= stride
    top += left
    corner = top.astype(np.intp)
    corner += padded[0].size * np.arange(n)[:, np.newaxis]

    pixels = padded.reshape(-1)
    above = _between(pixels.take(corner), pixels[1:].take(corner), x)
    below = _between(pixels[stride:].take(corner), pixels[stride + 1 :].take(corner), x)
    grey = _between(above, below, y)
    grey += 0.5  # so that the conversion, which cuts off, rounds
    return grey.astype(np.uint8)


def _between(start: Array, end: Array, share: Array) -> Array:
    """Return start + share * (end - start), in the memory of `end`."""
    end -= start
    end *= share
    end += start
    return end


def deskew_images(images: Bytes, size: Size) -> Bytes:
    """Return images (N, pixels), of `size`, sheared so that what they show stands upright.

    Rows move sideways until the covariance of row and column, weighted with the grey levels, is 0;
    the centre of gravity stays. LeCun et al. 1998, section III-A.
    """
    rows, columns = grid(size)
    powers = np.stack([np.ones_like(rows), rows, columns, rows * rows, rows * columns], axis=1)
    upright = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK]
        total, r, c, rr, rc = (chunk.astype(np.float64) @ powers).T
        total[total == 0] = 1  # a black image
        r, c, rr, rc = r / total, c / total, rr / total, rc / total
        variance = rr - r * r
        slope = np.where(variance > 0, (rc - r * c) / np.where(variance > 0, variance, 1), 0)
        dx = (slope[:, np.newaxis] * (rows - r[:, np.newaxis])).astype(np.float32)
        upright[start : start + CHUNK] = warp(chunk, size, np.zeros_like(dx), dx)
    return upright
