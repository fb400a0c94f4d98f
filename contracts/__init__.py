"""The services' gRPC contracts (.proto) and the code generated from them."""
