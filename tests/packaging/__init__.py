"""What `pip install .` and the sdist hold."""
