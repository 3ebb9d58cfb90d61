/* When the server does not answer, the page says so, keeps what a person asks for and goes on once the server is back. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const AGAIN = 2000;
  const LOST = "The server does not answer. Your curation is kept in this page and in its address; the page goes on by itself once the server is back.";
  const ask = window.fetch;
  let lost = false;

  const say = (words) => { const line = document.getElementById("connection"); if (line) line.textContent = words; };

  /* The event that a request of Dash's carries, to be sent again. */
  function eventOf(options) {
    try {
      const asked = JSON.parse(options.body).inputs.flat();
      const found = asked.find(({ id, property }) => id === "event" && property === "data");
      const { serial: _, ...event } = found.value;
      return JSON.parse(options.body).changedPropIds.includes("event.data") ? event : null;
    } catch {
      return null;
    }
  }

  async function ping() {
    try {
      await ask("_favicon.ico", { method: "HEAD", cache: "no-store" });
    } catch {
      setTimeout(ping, AGAIN);
      return;
    }
    lost = false;
    say("");
    T.state.busy = false;
    T.pump();
  }

  function lose(options) {
    const event = eventOf(options);
    if (event) T.state.queue.unshift(event);
    clearTimeout(T.state.guard);
    T.state.busy = true;
    if (lost) return;
    lost = true;
    say(LOST);
    setTimeout(ping, AGAIN);
  }

  window.fetch = async function (url, options = {}) {
    try {
      return await ask.call(window, url, options);
    } catch (error) {
      const aborted = error.name === "AbortError";
      if (!aborted && String(url).includes("_dash-update-component")) lose(options);
      throw error;
    }
  };
})();
