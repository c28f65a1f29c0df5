"""Agency files: how their columns are read, what their lines state, and whether their totals agree."""
