"""Nothing: the program comes with the wheel that this package asks for."""
