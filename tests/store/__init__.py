"""The rows: real SQLite files and databases in memory."""
