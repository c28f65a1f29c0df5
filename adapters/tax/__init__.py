"""The tax bureau's side: a client of its service, and the check of what it pushes."""
