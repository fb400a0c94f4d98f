"""Take what is asked, once, and never lose it."""
