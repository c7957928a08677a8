"""Reading the graph: relationships by filter, walks, paths, impact, history. Nothing writes."""
