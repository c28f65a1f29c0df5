"""A believable tax bureau, as a process of its own with a database of its own.

It is somebody else's system: slow, restarted at will, with answers that get lost. It shares nothing with the rest but
what its callers send.
"""
