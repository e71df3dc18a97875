"""A file of claims to usable rows and problems: nothing is guessed silently, every row is accounted for."""
