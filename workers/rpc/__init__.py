"""The services' RPC servers: answers to queries, and settings changed."""
