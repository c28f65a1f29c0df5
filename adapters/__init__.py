"""How to reach the systems outside: the registry, the tax bureau, notices, secrets."""
