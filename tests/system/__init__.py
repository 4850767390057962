"""Tests of the whole product: a real daemon, real workers, real files, signals that kill."""
