"""bytes of files in -> plain values and arrays out: here, and only here, input is distrusted."""
