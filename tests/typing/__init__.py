"""What type checkers say to authors."""
