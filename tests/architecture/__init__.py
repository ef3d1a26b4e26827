"""The rules of docs/architecture.md and of the house, each tried on a planted breach."""
