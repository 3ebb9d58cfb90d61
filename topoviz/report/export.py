"""Export: figures at publication size, meshes, the match table. The only importer of pyvista.

Files are made in memory; the page sends them and the command line writes them.
"""

import contextlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError, invalid
from core.tree.networks import GRAPH_FORMATS, graph_file
from topoviz.figures.geometry.surface import level_set
from topoviz.report.citation import bibtex, methods
from topoviz.report.latex import match_tex, transform_tex
from topoviz.report.tables import match_table, snippet, transform_json, transform_npz
from topoviz.session.analysis import Analysis
from topoviz.session.library import Library
from topoviz.session.state import SIDES, Session

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.model.autoencoder import FlowAutoencoder

__all__ = ["FORMATS", "check_formats", "export", "figure_file", "mesh_file", "renderer"]

_DRAWN = ("svg", "png", "pdf")
_MESHES = ("gltf", "vtp", "ply")
FORMATS = (*_DRAWN, "html", *_MESHES, *GRAPH_FORMATS)
_SIZE = {"width": 1200, "height": 900}
# Meshes are rasters inside SVG and PDF; double size keeps them sharp in print.
_SCALE = 2
_RENDERING = Lock()


def export(
    library: Library, session: Session, analysis: Analysis, formats: tuple[str, ...], theme: str
) -> Iterator[tuple[str, bytes]]:
    """Names and contents of all files: figures, meshes and graphs in the `formats`, the match table and the transform
    (both also for LaTeX), references, and a paragraph of methods.

    Raises `InputError` where svg, png or pdf is requested and there is no Chrome.
    """
    yield "matches.csv", match_table(analysis, session).encode()
    yield "matches.tex", match_tex(analysis, session).encode()
    yield "references.bib", bibtex(analysis, session).encode()
    yield "methods.txt", methods(analysis, session).encode()
    if analysis.map is not None:
        yield "transform.tex", transform_tex(analysis.map, analysis).encode()
        yield "transform.json", transform_json(analysis.map, session)
        yield "transform.npz", transform_npz(analysis.map)
        yield "transform.py", snippet(analysis.map).encode()
    matching = analysis.matching
    for name in GRAPH_FORMATS:
        if name in formats:
            yield f"graph-a.{name}", graph_file(matching.tree_a.to_networkx(), name)
            yield f"graph-b.{name}", graph_file(matching.tree_b.to_networkx(), name)
            yield f"graph-match.{name}", graph_file(matching.to_networkx(), name)
    for side in SIDES:
        model = library.model(session.model(side))
        level = analysis.cut(session.level)
        for name in _MESHES:
            if name in formats and model.input_field is not None:
                yield f"input-{side}.{name}", mesh_file(model, level, name)
    drawn = [name for name in formats if name == "html" or name in _DRAWN]
    if drawn:
        figures = _figures(library, session, analysis, theme)
        with renderer() if set(drawn) & set(_DRAWN) else contextlib.nullcontext():
            for view, figure in figures:
                for name in drawn:
                    yield f"{view}.{name}", figure_file(figure, name)


def check_formats(formats: tuple[str, ...]) -> None:
    """Raise `InputError` on a format that is not in `FORMATS`."""
    for name in formats:
        if name not in FORMATS:
            raise invalid("formats", f"some of {', '.join(FORMATS)}", repr(name), "separate them with commas")


def figure_file(figure: "go.Figure", name: str) -> bytes:
    """A figure as svg, png, pdf or stand-alone html.

    Raises `InputError` where a drawing needs Chrome and there is none.
    """
    if name == "html":
        return figure.to_html(include_plotlyjs=True, full_html=True).encode()
    try:
        return figure.to_image(format=name, scale=_SCALE, **_SIZE)
    except RuntimeError as error:
        if "chrome" not in str(error).lower():
            raise
        raise InputError(
            f"{name} needs Chrome or Chromium; install it, set BROWSER_PATH to it, or choose html."
        ) from None


def mesh_file(model: "FlowAutoencoder", level: float, name: str) -> bytes:
    """The boundary of a model's input density at a relative `level` (nats) as gltf, vtp or ply.

    Raises `InputError` where the model keeps no input density, or nothing lies above the level.
    """
    import pyvista

    shown = model.input_field
    if shown is None:
        raise InputError("this model keeps no input density; train it again to export meshes.")
    found = level_set(shown, level)
    if not len(found.faces):
        raise invalid("level", "below the peak", f"{level:.3g} nats", "lower the cut")
    faces = np.column_stack((np.full(len(found.faces), 3), found.faces)).ravel()
    mesh = pyvista.PolyData(found.vertices.astype(np.float32), faces)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"mesh.{name}"
        _save_mesh(mesh, path)
        return path.read_bytes()


def _save_mesh(mesh: Any, path: Path) -> None:
    if path.suffix != ".gltf":
        mesh.save(path, binary=True)
        return
    # pyvista's own export_gltf opens a window and fails without a graphics library; the writer needs neither.
    import pyvista
    from vtkmodules.vtkIOGeometry import vtkGLTFWriter

    writer = vtkGLTFWriter()
    writer.SetInputData(pyvista.MultiBlock([pyvista.MultiBlock([mesh])]))
    writer.SetInlineData(True)
    writer.SetFileName(str(path))
    writer.Write()


def _figures(library: Library, session: Session, analysis: Analysis, theme: str) -> Iterator[tuple[str, "go.Figure"]]:
    from topoviz.figures import latent, trees
    from topoviz.figures import surface as input_surface

    yield "trees", trees.figure(analysis, session, theme)
    views: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("latent", latent.figure),
        ("input", input_surface.figure),
    )
    for view, figure in views:
        for side in SIDES:
            yield f"{view}-{side}", figure(analysis, session, side, theme)


@contextlib.contextmanager
def renderer() -> Iterator[None]:
    """One browser for a whole batch of files."""
    import kaleido

    # The process has only one server.
    with _RENDERING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            kaleido.start_sync_server(silence_warnings=True)
            yield
        finally:
            kaleido.stop_sync_server(silence_warnings=True)
