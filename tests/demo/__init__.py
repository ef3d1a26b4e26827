"""The demo: its events, its display, its count."""
