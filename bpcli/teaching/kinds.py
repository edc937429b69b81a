"""the words on a wrong gradient -> what kind of mistake it is, without the code to write, out."""

import re

# The kinds, in the order in which they are looked for, each by what the check says of it.
PATTERNS = {
    "a layer inside is wrong": r"a consequence, it seems, of",
    "backward raises an error": r"^(with .*: )?raises ",
    "numbers that are not finite": r"not finite",
    "the sum over the images": r"sum over the images missing|where images should add up",
    "the sum over the steps": r"where steps should add up|next step|one step later",
    "the axis of a sum": r"without an axis",
    "a transpose": r"transpose",
    "the gradient of another array": r"it is the gradient by",
    "the division by the number of images": r"division by the|divided by|averaged over",
    "the sign": r"the sign is wrong",
    "the weight decay": r"weight decay",
    "what overlaps adds up": r"windows overlap|taken twice",
    "a factor": r"every element is .* times",
    "dout, which the chain rule multiplies by": r"dout is ignored|whatever dout is",
    "the gradient is not set": r"zero everywhere|no gradient is set|never|returned None",
    "the mask": r"\bmask\b",
    "softmax": r"softmax",
    "x and y of the activation": r"take the other",
    "a value of another call": r"stale|added to the one before|already updated",
    "the shape": r"found an array|for its shape",
}
OTHER = "the derivative"
CHANGE = re.compile(r"right with .* in place of")
# What only a solution beside it can tell.
FORWARD = "forward is another function than that of the solution"
BATCH = "forward does not take the mini-batch that the solution takes"
NUMERICAL = "backward is a numerical gradient"
DIFFERENT = "the gradient is not that of the solution"
KINDS = (*PATTERNS, OTHER, FORWARD, BATCH, NUMERICAL, DIFFERENT)


def kind_of(words: str) -> str:
    """Return the kind of mistake that the check has described.

    >>> kind_of("3 times what it should be: is the division by the 3 images missing")
    'the division by the number of images'
    >>> kind_of("right with d * mask in place of d - mask at layers.py:3")
    'the derivative'
    """
    if CHANGE.search(words):  # whose words are those of the code
        return OTHER
    return next((k for k, pattern in PATTERNS.items() if re.search(pattern, words)), OTHER)
