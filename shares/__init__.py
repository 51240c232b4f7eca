"""Share links: one object or folder, for whoever has the link, for as long as said."""
