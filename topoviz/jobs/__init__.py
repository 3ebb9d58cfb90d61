"""Long work beside the page: the queue on disk, its processes, uploads."""
