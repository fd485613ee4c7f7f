"""Write bundles and what is in them: coded segments, patches, chunks."""
