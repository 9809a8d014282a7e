"""Views, pointers and what is rebuilt from them; joins and lookups."""
