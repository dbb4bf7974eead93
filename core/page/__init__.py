"""The status pages: what everybody may read, as HTML, JSON and a feed."""
