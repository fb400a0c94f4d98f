"""The front API: turns HTTP into messages, and answers to queries into JSON."""
