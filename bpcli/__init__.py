"""nothing in -> the version out: backpropagation as in chapter 5 of Deep Learning from Scratch."""

__version__ = "0.1.0"
