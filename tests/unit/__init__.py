"""Modules of the Python surface, one by one."""
