"""Every use case, each a function of a transaction and of what is live."""
