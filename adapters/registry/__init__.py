"""The registry (SQL): the ledger that other systems read, and the index of identity documents."""
