"""Known populations: a frame read, its units dealt by a design, the table kept."""
