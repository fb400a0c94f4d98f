"""Everything on one machine: the backing servers, the product's processes and the command that keeps them."""
