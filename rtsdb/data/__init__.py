"""Pictures with labels, drawn or recorded, and the noise that is put on them."""
