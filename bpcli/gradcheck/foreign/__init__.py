"""anybody's file of layers in -> which of their gradients are right, and what is wrong, out."""
