"""Is a URL alive, and since when not?"""
