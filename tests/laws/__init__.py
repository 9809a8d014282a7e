"""One module for each law of the surface; each test is named after what the law says."""
