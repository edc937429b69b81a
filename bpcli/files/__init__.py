"""bytes of files in -> plain values and arrays out: here damage and harm are refused.

What comes out is what it says it is; whether a model's arrays fit its configuration, or test images
their training images, is asked where that is known.
"""
