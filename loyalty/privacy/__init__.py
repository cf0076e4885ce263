"""What shops pass on of persons who want to know what is stored of them."""
