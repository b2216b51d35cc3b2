"""Second derivatives of the loss, and when they may be taken."""
