/* When the server does not answer, the page says so, keeps what a person asks for and goes on once the server is back. */
(function () {
  "use strict";

  const T = (window.topoviz = window.topoviz || {});
  const AGAIN = 2000;
  const LOST = "The server does not answer. Your curation is kept in this page and in its address; the page goes on by itself once the server is back.";
  const ask = window.fetch;
  let lost = false;

  const say = (words) => { const line = document.getElementById("connection"); if (line) line.textContent = words; };

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

  /* The server did not answer; an `event` that it was to hear of comes first when it is back. */
  T.lost = function (event) {
    if (event) T.state.queue.unshift(event);
    T.state.busy = true;
    if (lost) return;
    lost = true;
    say(LOST);
    setTimeout(ping, AGAIN);
  };

  window.fetch = async function (url, options) {
    try {
      return await ask.call(window, url, options);
    } catch (error) {
      if (error.name !== "AbortError" && String(url).includes("_dash-update-component")) T.lost();
      throw error;
    }
  };
})();
