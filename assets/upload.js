/* A file on its way to the server: dropped anywhere on the page or chosen, sent piece by piece, with progress and a way to cancel.
   A piece that fails is sent again from where the server stands. What has come whole is told to the dialog as `training-upload`. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const TRIES = 4, WAIT = 500;
  let current = null;

  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const bar = () => document.getElementById("training-bar");
  // The suffixes that the server reads, as the page names them.
  const kinds = () => document.getElementById("training-drop").dataset.accept.split(",");
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  async function ask(method, path, options = {}) {
    const answer = await fetch(path, { method, ...options });
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    // What the server refuses it will refuse again; what fails for another reason may not.
    throw Object.assign(new Error(body.error || "the app does not answer; try again."), { refused: answer.status < 500 });
  }

  const json = (body, signal) => ({ headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });

  // ---------------------------------------------------------------- what the person sees
  function show(job) {
    const place = bar();
    if (!place) return;
    const track = element("div", "job-bar");
    track.setAttribute("role", "progressbar");
    track.setAttribute("aria-label", `Sending ${job.file.name}`);
    job.fill = element("span");
    track.appendChild(job.fill);
    job.told = element("span", "hint");
    const cancel = element("button", "chip", "Cancel");
    cancel.type = "button";
    cancel.addEventListener("click", () => job.stop.abort());
    const head = element("div", "job-head");
    head.append(job.told, element("span", "push"), cancel);
    place.replaceChildren(head, track);
    advance(job, 0);
  }

  function advance(job, sent) {
    job.sent = sent;
    if (!job.fill) return;
    const share = job.file.size ? sent / job.file.size : 0;
    job.fill.style.width = `${(100 * share).toFixed(1)}%`;
    job.fill.parentNode.setAttribute("aria-valuenow", Math.round(100 * share));
    const left = sent ? ((performance.now() - job.began) / sent) * (job.file.size - sent) / 1000 : null;
    job.told.textContent = `${job.file.name}: ${size(sent)} of ${size(job.file.size)}${left !== null && left > 2 ? `, about ${Math.ceil(left)} s left` : ""}`;
  }

  function size(bytes) {
    const [unit, of] = bytes >= 2 ** 30 ? ["GiB", 2 ** 30] : bytes >= 2 ** 20 ? ["MiB", 2 ** 20] : ["KiB", 2 ** 10];
    return `${(bytes / of).toFixed(1)} ${unit}`;
  }

  function tell(problem) {
    const place = bar();
    if (place) place.replaceChildren(...(problem ? [element("p", "problem upload-problem", problem)] : []));
  }

  // ---------------------------------------------------------------- sending
  async function send(file) {
    if (current) current.stop.abort();
    if (!kinds().some((kind) => file.name.toLowerCase().endsWith(kind))) return tell(`${file.name} is no kind of file that can be read here; save it as one of ${kinds().join(", ")}.`);
    const job = (current = { file, stop: new AbortController(), sent: 0, began: performance.now(), token: null });
    show(job);
    try {
      const { token, piece } = await ask("POST", "uploads", json({ name: file.name, size: file.size }, job.stop.signal));
      job.token = token;
      await pieces(job, piece);
      const whole = await ask("POST", `uploads/${token}/end`, json({}, job.stop.signal));
      tell("");
      set("training-upload", { data: whole });
    } catch (error) {
      if (job.token) fetch(`uploads/${job.token}`, { method: "DELETE" }).catch(() => {});
      if (current === job) tell(job.stop.signal.aborted ? "" : `${file.name}: ${error.message}`);
    } finally {
      if (current === job) current = null;
    }
    return undefined;
  }

  async function pieces(job, most) {
    const { file, token, stop } = job;
    let tries = 0;
    while (job.sent < file.size) {
      const body = file.slice(job.sent, job.sent + most);
      const options = { headers: { "Content-Type": "application/octet-stream" }, body, signal: stop.signal };
      try {
        advance(job, (await ask("PUT", `uploads/${token}?offset=${job.sent}`, options)).received);
        tries = 0;
      } catch (error) {
        tries += 1;
        if (error.refused || stop.signal.aborted || tries >= TRIES) throw error;
        await pause(WAIT * tries);
        advance(job, (await ask("GET", `uploads/${token}`, { signal: stop.signal })).received);
      }
    }
  }

  // A page that is left takes what has not come whole with it.
  window.addEventListener("pagehide", () => { if (current && current.token) fetch(`uploads/${current.token}`, { method: "DELETE", keepalive: true }); });

  // ---------------------------------------------------------------- choosing and dropping
  function choose() {
    const field = element("input");
    field.type = "file";
    field.accept = kinds().join(",");
    field.addEventListener("change", () => { if (field.files[0]) send(field.files[0]); });
    field.click();
  }

  // The dialog is made when it is first opened: a file that is dropped before has to wait for it.
  async function bring(file) {
    if (!bar()) document.getElementById("train").click();
    for (let waited = 0; !bar() && waited < 100; waited += 1) await pause(50);
    send(file);
  }

  const brings = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  let depth = 0;

  function veil(on) {
    let cover = document.getElementById("drop-veil");
    if (!cover) {
      cover = element("div", "drop-veil");
      cover.id = "drop-veil";
      cover.appendChild(element("p", "", "Drop the file to train a model on it"));
      document.body.appendChild(cover);
    }
    cover.hidden = !on;
  }

  document.addEventListener("dragenter", (event) => { if (brings(event)) { depth += 1; veil(true); } });
  document.addEventListener("dragleave", (event) => { if (brings(event)) { depth = Math.max(0, depth - 1); if (!depth) veil(false); } });
  document.addEventListener("dragover", (event) => { if (brings(event)) { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; } });
  document.addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    depth = 0;
    veil(false);
    if (event.dataTransfer.files[0]) bring(event.dataTransfer.files[0]);
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#training-drop")) choose();
    if (event.target.closest("[data-upload=forget]")) set("training-upload", { data: null });
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id === "training-drop" && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(); }
  });

  T.upload = bring;
})();
