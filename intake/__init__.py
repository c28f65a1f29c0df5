"""Where facts come in: who they are about, what they say, and the life that they are reported to."""
