"""Sources of pictures and the batches made from them."""
