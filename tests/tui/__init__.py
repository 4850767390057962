"""The terminal UI, against recorded answers."""
