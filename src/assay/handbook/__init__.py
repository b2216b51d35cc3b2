"""Questions about training, each answered by a small experiment that the reader can run again."""
