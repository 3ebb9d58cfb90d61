/* The list of jobs, the badge in the header and the notice when a job is done: buttons with `data-do`, `data-curve`, `data-opens`. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  let serial = 0;

  function open(model, side) {
    const now = T.session() || {};
    T.emit({ type: "choose-models", a: side === "a" ? model : now.model_a || model, b: side === "b" ? model : now.model_b || model });
    set("training", { opened: false });
    set("job-notice", { children: [] });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return undefined;
    const { do: what, job, curve, opens, side, dismiss } = button.dataset;
    if (what) return set("job-act", { data: { do: what, job, serial: (serial += 1) } });
    if (curve) return set("jobs-chosen", { data: curve });
    if (opens) return open(opens, side);
    if (dismiss === "job") return set("job-notice", { children: [] });
    if (button.id === "jobs-badge") return document.getElementById("train").click();
    return undefined;
  });
})();
