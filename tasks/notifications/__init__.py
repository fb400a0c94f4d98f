"""Tell the right people once, and prove it was delivered."""
