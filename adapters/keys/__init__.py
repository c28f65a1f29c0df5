"""Keys: the ring whose keys wrap data keys, the data keys of people, and what is sealed with them."""
