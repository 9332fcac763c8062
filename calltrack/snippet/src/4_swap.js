// Reading and writing the page: text, links that call or write a message, attributes that are read out loud.

const SKIP = "script,style,noscript,textarea,input,select,[data-ct-noswap]";
const CALLS = /^(tel|sms):/i;
const SEEN = {
  subtree: 1,
  characterData: 1,
  childList: 1,
  attributeFilter: ["href", "alt", "aria-label", "title"],
};

// A page that puts its own number back at once would keep us both busy for ever: until the next answer of the
// service we give in.
let written = 0;
let found; // digits of phone-like text on this page; nothing as long as the page was not seen

// Doing it again changes nothing, so the observer may well see our own writes.
const swap = safely((root) => {
  const texts = [];
  const enter = (node) => {
    if (node.nodeType == 3) texts.push(node);
    if (node.matches) {
      if (node.matches(SKIP) || node.isContentEditable) return;
      for (const name of SEEN.attributeFilter) {
        const value = node.getAttributeNode(name);
        // The letter keeps an attribute apart from the text behind it.
        if (value && (name != "href" || CALLS.test(value.nodeValue))) texts.push(value, { nodeValue: "a" });
      }
      if (node.localName == "iframe") node.addEventListener("load", reload);
      for (const inner of [node.shadowRoot, node.contentDocument])
        if (inner) {
          watcher.observe(inner, SEEN);
          enter(inner);
        }
    }
    node.childNodes.forEach(enter);
  };
  root.closest?.(SKIP) || enter(root);
  const text = texts.map((each) => each.nodeValue).join(SEAM);
  const parts = rewrite(text, (pair) => pair).split(SEAM);
  rewrite(text, asWritten).replace(RUN, (run) => found.add(run.replace(PUNCTUATION, "")));
  texts.map((each, at) => {
    // A page that uses our seam sign itself is left alone.
    if (parts.length != texts.length || parts[at] == each.nodeValue || written++ > 999) return;
    each.nodeValue = parts[at];
    // A picture of the number: without its source the browser writes the text that stands for it.
    each.ownerElement?.closest(".ct-number")?.removeAttribute("src");
  });
});

const reload = (event) => swap(event.target);

// Show these pairs, and the page's own numbers where there is no pair (any more).
const show = (pairs) => {
  written = 0;
  for (const base in shown) shown[base] = asWritten(shown[base]);
  pairs.map((pair) => {
    const { t, tn, n, nn } = pair;
    if (!/^(\d{5,15},){4}$/.test([t, tn, n, nn, ""])) return;
    learn(t, tn, t);
    learn(n, nn, t);
    shown[t] = pair;
  });
  watcher.observe(page.body, SEEN);
  swap(page.body);
  dispatchEvent(new Event("calltrack"));
};
