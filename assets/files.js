/* Pictures of views, sessions and tables as files, and sessions opened from them. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});

  T.savePicture = function (id, format) {
    const gd = id === "trees" ? document.getElementById(id) : T.plot(id);
    if (!gd) return;
    const picture = { view: id, format, width: gd.clientWidth, height: gd.clientHeight };
    // Of latents plotly draws only the ground on the page, of trees nothing: the whole picture comes from the server.
    if (id === "trees" || id.startsWith("latent")) window.dash_clientside.set_props("request", { data: { what: "picture", ...picture, serial: (T.state.serial += 1) } });
    else T.download(gd, picture);
  };

  T.download = function (figure, { view, format, width, height }) {
    window.Plotly.downloadImage(figure, { format, width, height, scale: format === "png" ? 3 : 1, filename: `topoviz-${view}` });
  };

  T.request = function (what) {
    if (what === "link") return navigator.clipboard && navigator.clipboard.writeText(window.location.href);
    if (what === "open") return T.openSession();
    if (what === "compose") return T.compose();
    return window.dash_clientside.set_props("request", { data: { what, log: T.log && T.log.current(), serial: (T.state.serial += 1) } });
  };

  T.openSession = function () {
    const field = document.createElement("input");
    field.type = "file";
    field.accept = ".json,application/json";
    field.addEventListener("change", async () => {
      const file = field.files[0];
      if (!file) return;
      try {
        const session = JSON.parse(await file.text());
        T.log.expect(session, file.name);
        T.emit({ type: "load-session", session });
      } catch {
        window.dash_clientside.set_props("notice", { children: `${file.name} is not a session: it is no JSON. Save one with Save, then open that.` });
      }
    });
    field.click();
  };
})();
