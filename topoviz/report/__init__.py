"""What leaves the app: paper figures, tables, LaTeX, citations, reports and meshes."""
