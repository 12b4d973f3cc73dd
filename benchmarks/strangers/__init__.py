"""Invented services with faults, half of them to be looked at once."""
