"""The watch: when iterations begin and end, which are sampled, and what a probe may touch."""
