// Telephone numbers as people write them: digits are compared, the page's own punctuation is kept.

// Text of neighbouring nodes is joined with SEAM, so a number split over <b>06</b> 6994 0001 is still one.
const SEAM = "\x01";
const GAP = "[\\s().\\xb7/\\x01\\u200b\\u2010-\\u2015\\u2060-]*";
const RUN = RegExp(`[+(]?\\d(?:${GAP}\\d){6,}`, "g");

let shown = {}; // business number -> {t, tn, n, nn}: its pair of digits, and the pair that stands on the page now
const sources = {}; // any number we may meet on the page -> {rx, country, base: the business number behind it}

// 390669940001 and 0669940001 -> country 39, trunk "", rest 0669940001; 4930.. and 030.. -> 49, "0", 30..
const shape = (full, national) => {
  let at = 0;
  while (!full.endsWith(national.slice(at))) at++;
  const rest = national.slice(at);
  return { rest, trunk: national.slice(0, at), country: full.slice(0, full.length - rest.length) };
};

const spread = (digits) => [...digits].join(GAP);

// "06 6994 0001/2" and "-23" are extensions we cannot move: such a number stays.
const learn = (full, national, base) => {
  const { rest, trunk, country } = shape(full, national);
  const inland = trunk && spread(trunk) + GAP;
  const rx = `(?:(?:(\\+|00)${GAP})?(${spread(country)})${GAP}(${inland})?|${inland})${spread(rest)}(?!\\d|[-/]\\d)`;
  sources[full] = sources[full] || { base, country, rx: RegExp(rx, "g") };
};

// Put digits into the places of the old ones: too many go to the last group, places left over vanish.
const fill = (old, digits) => {
  let at = 0;
  const filled = old.replace(/[^\x01]/g, (sign) =>
    /\d/.test(sign) ? digits.charAt(at++) : at < digits.length ? sign : "",
  );
  return filled + digits.slice(at);
};

// Write every known number of the text as the pair {n, nn} that `aim` gives for its business number.
const rewrite = (text, aim) => {
  for (const from in sources) {
    const { rx, base, country } = sources[from];
    const { n, nn } = aim(shown[base]);
    if (n == from) continue;
    const to = shape(n, nn);
    text = text.replace(rx, (old, prefix, abroad, trunk, at, whole) => {
      // A digit, or another country's code, stands before it: it is some other number.
      if (/\d$|\+\d*[^\da-z]*$/i.test(whole.slice(0, at).slice(-9))) return old;
      if (abroad) return fill(old, (prefix == "00" ? prefix : "") + to.country + (trunk && to.trunk || "") + to.rest);
      return to.country == country ? fill(old, nn) : fill("+" + old, n);
    });
  }
  return text;
};

const asShown = (pair) => pair;
const asWritten = ({ t, tn }) => ({ t, tn, n: t, nn: tn });

// Phone-like digits of a text: every stretch of whole groups that begins as a number may begin.
const candidates = (text, into) => {
  for (const run of rewrite(text, asWritten).match(RUN) || []) {
    const groups = run.match(/[+(]?\d+/g);
    groups.map((head, from) => {
      if (from && !/^[+(0]/.test(head)) return;
      let digits = "";
      for (const group of groups.slice(from)) {
        digits += group.replace(/\D/, "");
        if (digits.length > 6 && digits.length < 18) into.add(digits.replace(/^00/, ""));
      }
    });
  }
  return text;
};
