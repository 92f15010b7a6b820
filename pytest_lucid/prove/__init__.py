"""Plants defects in a copy of a stack, one for each demand of its matrix, and looks which of them a suite finds."""
