"""What differs between deployments, and the names both ends of the broker agree on."""
