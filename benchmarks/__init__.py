"""What we claim about speed, as programs that anyone can run beside the peers."""
