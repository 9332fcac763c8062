// Reading and writing the page: text nodes, tel: links and two attributes that are read out loud. Nothing else.

const SKIP = "script,style,noscript,textarea,input,select,[data-ct-noswap]";
const SEEN = { childList: true, subtree: true, characterData: true, attributeFilter: ["href", "title", "aria-label"] };

// A page that puts its own number back at once would keep us both busy for ever: until the next answer of the
// service we give in.
let written = 0;
const MANY = 999;

const scan = (root, change) => {
  const texts = [];
  const enter = (node) => {
    if (node.nodeType == 3) texts.push(node);
    if (node.matches) {
      if (node.matches(SKIP) || node.isContentEditable) return;
      for (const name of SEEN.attributeFilter) {
        const value = node.getAttribute(name);
        if (!value || (name == "href" && !/^tel:/i.test(value))) continue;
        const plain = value.replace(/%20/g, " ");
        const fresh = change(plain);
        if (fresh != plain && written++ < MANY) node.setAttribute(name, fresh);
      }
      if (node.shadowRoot) {
        watcher.observe(node.shadowRoot, SEEN);
        scan(node.shadowRoot, change);
      }
    }
    node.childNodes.forEach(enter);
  };
  if (root.closest?.(SKIP)) return;
  enter(root);
  const parts = change(texts.map((text) => text.data).join(SEAM)).split(SEAM);
  // A page that uses our seam sign itself is left alone.
  if (parts.length == texts.length)
    parts.map((part, at) => {
      if (part != texts[at].data && written++ < MANY) texts[at].data = part;
    });
};

// Doing it again changes nothing, so the observer may well see our own writes.
const swap = (root) => scan(root, (text) => rewrite(text, asShown));

const phonesIn = (root, into) =>
  scan(root, (text) => candidates(text, into));

// Show these pairs, and the page's own numbers where there is no pair (any more).
const show = (pairs) => {
  const good = pairs.filter(({ t, tn, n, nn }) => [t, tn, n, nn].every((digits) => /^\d{5,15}$/.test(digits)));
  written = 0;
  for (const base in shown) shown[base] = asWritten(shown[base]);
  for (const pair of good) {
    learn(pair.t, pair.tn, pair.t);
    learn(pair.n, pair.nn, pair.t);
    shown[pair.t] = pair;
  }
  watcher.observe(page.body, SEEN);
  swap(page.body);
};
