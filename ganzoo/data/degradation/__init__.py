"""Low-quality partners of good pictures: recipes, and sources that follow them."""
