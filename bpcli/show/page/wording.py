"""how many images in -> the words for them on a page out."""


def count_images(count: int, kind: str = "") -> str:
    """Return how many images of a split, and one is an image.

    >>> count_images(1, "test"), count_images(10_000)
    ('1 test image', '10,000 images')
    """
    return f"{count:,} {kind} image{'s' * (count != 1)}".replace("  ", " ")
