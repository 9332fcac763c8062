// Where this page stands: its tag, what the site asks for, and its address as a visitor sees it.

const page = document;
const now = Date.now;
const asText = JSON.stringify;
const tag = page.currentScript || page.querySelector("script[data-site]");
// What the page said before we came: the words of the tag (a tag manager writes no attributes), an answer, calls.
const early = window.calltrack || window.ct || [];
const options = { ...early, ...tag.dataset };

// A new path or query is a new page view; a jump to #prices is not, a hash router's #/prices is.
const place = () => location.href.split(/#(?![/!])/)[0];

// Prerendered pages and tabs opened in the background are hidden until somebody looks at them.
const isSeen = () => !page.hidden;

// Our own mistakes end here: the page never sees an error of ours.
const safely =
  (step) =>
  (...given) => {
    try {
      return step(...given);
    } catch {}
  };

const listen = (names, step) => names.split(" ").map((kind) => addEventListener(kind, safely(step), 1));
