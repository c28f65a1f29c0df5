"""Measurements: ratios against the bare engine, taken in one run on one server."""
