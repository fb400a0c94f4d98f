"""What the API takes and gives, as marshmallow schemas: input is judged by them, output is described by them."""
