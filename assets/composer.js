/* The composer: it opens with the cameras as they are, keeps its composition in the session, and asks for files. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const rounded = (point) => Object.fromEntries(["x", "y", "z"].map((axis) => [axis, Math.round(point[axis] * 1e4) / 1e4]));

  function camera(side) {
    const gd = T.plot(`surface-${side}`);
    const scene = gd && gd._fullLayout && gd._fullLayout.scene && gd._fullLayout.scene._scene;
    if (!scene) return null;
    const { eye, center, up } = scene.getCamera();
    return { eye: rounded(eye), center: rounded(center), up: rounded(up) };
  }

  T.compose = function () {
    window.dash_clientside.set_props("composer", { opened: true });
    window.dash_clientside.set_props("composer-view", { data: { cameras: [camera("a"), camera("b")], serial: (T.state.serial += 1) } });
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-compose]");
    if (!button || !T.state.composed) return;
    const wanted = { what: "figure", kind: button.dataset.compose, dpi: Number(button.dataset.dpi), figure: T.state.composed };
    window.dash_clientside.set_props("request", { data: { ...wanted, serial: (T.state.serial += 1) } });
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    composer: {
      keep: function (composed) {
        if (composed) {
          T.state.composed = composed;
          T.emit({ type: "set-figure", figure: composed });
        }
        return window.dash_clientside.no_update;
      },
    },
  });
})();
