"""Screens, played with keys."""
