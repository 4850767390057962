"""The rules, pure: same events, same state, in every process and every year."""
