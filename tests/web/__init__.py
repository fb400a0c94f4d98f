"""The front API on a real intake database and real gRPC servers."""
