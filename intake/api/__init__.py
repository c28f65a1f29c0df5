"""The HTTP service: whoever learns of a life event reports it here, and reads what it may know."""
