"""The demonstration: made-up people of four areas, whose first year is played on a real server."""
