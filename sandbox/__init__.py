"""A believable tax bureau, as a process of its own with a database of its own."""
