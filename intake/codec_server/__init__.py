"""The codec server: through it those who have the right see, and write, what Temporal keeps sealed."""
