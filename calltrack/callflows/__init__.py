"""Call flows: what a caller meets, as versioned trees of steps, and the pure rules that walk them."""
