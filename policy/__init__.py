"""What the regulations say: dated packs, one module per procedure, and `assess`. No clock, no I/O but packs."""
