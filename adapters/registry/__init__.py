"""The registry (SQL): the ledger that other systems read. Written by registry activities and by intake's identity step."""
