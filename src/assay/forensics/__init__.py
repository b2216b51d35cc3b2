"""Child side: which operation made the first number that is not finite, and what it was given."""
