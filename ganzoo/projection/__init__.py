"""From a picture back to what paints it: latents found by optimisation. This room works with torch."""
