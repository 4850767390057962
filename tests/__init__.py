"""The tests, file by file beside the source."""
