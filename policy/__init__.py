"""What the regulations say: dated packs, counting, one module per procedure, and `assess`. Pure: no clock, no I/O but packs."""
