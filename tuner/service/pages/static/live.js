"use strict";
// Replaces the parts of a page whose study has changed. The page is complete without this file.
const ROOT = document.body.dataset.root, SHOWN = (document.body.dataset.live || "").trim();
const PAUSE = 300; // milliseconds between two requests of the same page
const RETRY = 2000; // milliseconds until a stream or a page that was refused is asked for again
const status = document.getElementById("live");
let busy = false, again = false;

// Only parts that differ are replaced, and none in which the reader types or has opened something.
async function refresh() {
  if (busy || document.hidden) { again = true; return; }
  busy = true;
  again = false;
  let pause = PAUSE;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected || [401, 403, 404].includes(answer.status)) location.reload(); // the session has ended
    else if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (fresh.querySelector("main").dataset.page !== document.querySelector("main").dataset.page) location.reload();
      for (const part of document.querySelectorAll("main [id]")) {
        const other = fresh.getElementById(part.id);
        const isInUse = part.contains(document.activeElement) || part.querySelector("details[open]");
        if (other && !isInUse && !part.isEqualNode(other)) part.replaceWith(document.adoptNode(other));
      }
    } else if (answer.status >= 500) { again = true; pause = RETRY; } // the database is away
  } catch { again = true; pause = RETRY; } // the connection was cut
  setTimeout(() => { busy = false; if (again) refresh(); }, pause);
}

function concerns(message) {
  const about = message.kind === "queue" ? "queue" : String(message.study);
  const isOfRun = message.run !== undefined && message.run === document.body.dataset.run; // whose studies are new
  return message.kind === "resync" || SHOWN === "*" || isOfRun || SHOWN.split(/\s+/).includes(about);
}

function show(state) {
  status.hidden = false;
  status.classList.toggle("off", state !== "live");
  status.textContent = state;
}

// A browser allows six connections per server: of all open pages, one has the stream and tells the others.
function listen() {
  const channel = new BroadcastChannel(`lodo-tune ${ROOT}`);
  let stream = null, state = "connecting";
  const receive = (message) => {
    if (message.kind === "state") show(state = message.state);
    else if (concerns(message)) refresh();
  };
  channel.onmessage = (event) => {
    if (event.data.kind !== "asks") receive(event.data);
    else if (stream) channel.postMessage({ kind: "state", state });
  };
  const tell = (message) => { channel.postMessage(message); receive(message); };
  const open = () => {
    stream = new EventSource(`${ROOT}/api/v1/events`);
    stream.onopen = () => tell({ kind: "state", state: "live" });
    stream.onerror = () => {
      tell({ kind: "state", state: "connecting" });
      if (stream.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
      tell({ kind: "resync" }); // after an answer that is no stream: a proxy without a service, or the end of a session
      setTimeout(open, RETRY);
    };
    stream.addEventListener("study", (event) => tell({ kind: "study", ...JSON.parse(event.data) }));
    stream.addEventListener("queue", () => tell({ kind: "queue" }));
    stream.addEventListener("database", (event) => {
      const isThere = JSON.parse(event.data).available;
      tell({ kind: "state", state: isThere ? "live" : "database unavailable" });
    });
    stream.addEventListener("resync", () => tell({ kind: "resync" }));
  };
  const lead = () => new Promise(open); // never resolved: the lock is held as long as the page is open
  if (navigator.locks) { navigator.locks.request(`lodo-tune ${ROOT}`, lead); channel.postMessage({ kind: "asks" }); }
  else lead();
}

if (SHOWN) {
  listen();
  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) refresh(); });
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
  });
}
