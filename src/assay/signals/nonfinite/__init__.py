"""Why an operation gave what is not finite, in words, from what was measured of its operands."""
