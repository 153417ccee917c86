"""One page of many results: no server, no network, nothing of elsewhere."""
