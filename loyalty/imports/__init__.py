"""What is brought along from another system: files, their rows, what was wrong with some, and what became of them."""
