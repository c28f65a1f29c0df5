"""The registry's migrations, which run on both databases."""
