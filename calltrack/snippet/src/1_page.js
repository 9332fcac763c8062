// Where this page stands: its tag, the service behind it, and its address as a visitor sees it.

const page = document;
const now = Date.now;
const asText = JSON.stringify;
const tag = page.currentScript || page.querySelector("script[data-site]");
const service = new URL(tag.src).origin + "/v1/";

// A new path or query is a new page view; a jump to #prices is not, a hash router's #/prices is.
const place = () => location.href.split(/#(?![/!])/)[0];

// Prerendered pages and tabs opened in the background are hidden until somebody looks at them.
const isSeen = () => page.visibilityState == "visible";

// Our own mistakes end here: the page never sees an error of ours.
const safely =
  (step) =>
  (...given) => {
    try {
      return step(...given);
    } catch {}
  };

const listen = (on, names, step) =>
  names.split(" ").map((name) => on.addEventListener(name, safely(step), true));
