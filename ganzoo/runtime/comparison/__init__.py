"""Results against each other: paired by protocol, judged with an error that is stated, held to limits."""
