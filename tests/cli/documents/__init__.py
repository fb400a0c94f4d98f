"""What documents refer to."""
