"""What the architecture test is made of: the source as a tree, the table of rooms, the rules."""
