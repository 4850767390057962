"""The shipped test kit: what users, and our own tests, use to make things go wrong on purpose."""
