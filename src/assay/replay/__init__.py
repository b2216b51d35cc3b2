"""Running a recorded forward pass and its loss once more, and the proof that nobody notices."""
