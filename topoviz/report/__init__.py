"""Everything that is exported: paper figures, tables, LaTeX, citations, reports and meshes."""
