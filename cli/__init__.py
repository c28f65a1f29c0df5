"""The console program, one thin file per verb."""
