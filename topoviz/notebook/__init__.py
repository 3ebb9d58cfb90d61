"""In a notebook: the linked figure without a server, and core's results as small tables."""

from topoviz.notebook.show import load_ipython_extension, show

__all__ = ["load_ipython_extension", "show"]
