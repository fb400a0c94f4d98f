"""What a document refers to, and on which line: Markdown, HTML, reStructuredText and plain text."""
