"use strict";
// Replaces the parts of a page whose study has changed. The page is complete without this file.
const ROOT = document.body.dataset.root, SHOWN = (document.body.dataset.live || "").trim();
const PAUSE = 300; // milliseconds between two requests of the same page
const RETRY = 2000; // milliseconds until a stream that was refused is asked for again
const status = document.getElementById("live");
let busy = false, again = false;

// Only parts that differ are replaced, and none in which the reader types or has opened something.
async function refresh() {
  if (busy || document.hidden) { again = true; return; }
  busy = true;
  again = false;
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
    }
  } catch { /* the stream notices as well, and reconnects */ }
  setTimeout(() => { busy = false; if (again) refresh(); }, PAUSE);
}

function concerns(message) {
  const about = message.kind === "queue" ? "queue" : String(message.study);
  return message.kind === "resync" || SHOWN === "*" || SHOWN.split(/\s+/).includes(about);
}

function show(isOn) {
  status.hidden = false;
  status.classList.toggle("off", !isOn);
  status.textContent = isOn ? "live" : "connecting";
}

// A browser allows six connections per server: of all open pages, one has the stream and tells the others.
function listen() {
  const channel = new BroadcastChannel(`lodo-tune ${ROOT}`);
  const receive = (message) => {
    if (message.kind === "open" || message.kind === "closed") show(message.kind === "open");
    else if (concerns(message)) refresh();
  };
  channel.onmessage = (event) => {
    if (event.data.kind !== "asks") receive(event.data);
    else if (stream) channel.postMessage({ kind: stream.readyState === EventSource.OPEN ? "open" : "closed" });
  };
  let stream = null;
  const tell = (message) => { channel.postMessage(message); receive(message); };
  const open = () => {
    stream = new EventSource(`${ROOT}/api/v1/events`);
    stream.onopen = () => tell({ kind: "open" });
    stream.onerror = () => {
      tell({ kind: "closed" });
      if (stream.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
      tell({ kind: "resync" }); // after an answer that is no stream: a proxy without a service, or the end of a session
      setTimeout(open, RETRY);
    };
    stream.addEventListener("study", (event) => tell({ kind: "study", ...JSON.parse(event.data) }));
    stream.addEventListener("queue", () => tell({ kind: "queue" }));
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
