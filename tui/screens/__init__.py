"""Layout and flow: one file for each screen."""
