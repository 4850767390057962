"""The Python client, sync and async, against a real server."""
