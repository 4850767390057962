"""What draws: each widget shows what it is given, reports what is done to it, and decides nothing."""
