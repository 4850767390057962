"""Every example is run, whole, as its readers would run it."""
