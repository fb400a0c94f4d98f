"""What is accepted is never lost and takes effect once, whatever breaks: shown by breaking it."""
