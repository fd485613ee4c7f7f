"""The filter language: which devices a person means, as a predicate and as SQL."""
