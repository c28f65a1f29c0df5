"""The registry (SQL): the ledger that other systems read, and the index of identity documents."""

import logging

# What the library of migrations does whenever it is loaded would stand above each command's own words.
logging.getLogger("alembic").setLevel(logging.WARNING)
