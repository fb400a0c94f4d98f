"""Backups of the services' databases: taken while the product runs, restored while it stands still."""
