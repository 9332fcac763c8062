// Telephone numbers as people write them: digits are compared, the page's own punctuation is kept.

// Text of neighbouring nodes is joined with SEAM, so a number split over <b>06</b> 6994 0001 is still one.
const SEAM = "\x01";
// Spaces, dashes, dots, and the invisible signs by which right-to-left pages keep a number in order.
const GAP = "(?:[\\s().\\xb7/\\x01\\u2000-\\u206f-]|%20)*";
const RUN = RegExp(`\\d(?:${GAP}\\d){6,}`, "g");
const PUNCTUATION = /%20|\D/g;

const shown = {}; // business number -> {t, tn, n, nn, x}: its digits, and those that stand on the page now
const known = {}; // digits we may meet on the page -> [business number, which of its forms]
let rx = SEAM; // what finds them in a text

// 493012345 and 03012345 are written as 00 49 30 12345, +49 30 12345, +49 (0)30 12345 and 030 12345.
const forms = (full, national) => {
  let at = 0;
  while (!national.endsWith(full.slice(at))) at++;
  return ["00" + full, full, full.slice(0, at) + national, national];
};

// "06 6994 0001/2" and "-23" are extensions we cannot move: such a number stays.
const learn = (full, national, base) => {
  forms(full, national).map((digits, form) => {
    known[digits] ||= [base, form];
  });
  rx = RegExp(`(?:${Object.keys(known).map((digits) => [...digits].join(GAP)).join("|")})(?!\\d|[-/]\\d)`, "g");
};

// Write every known number of the text as the pair that `aim` gives for its business number. Digits go into the places
// of the old ones: too many go to the last group, places left over vanish. A number of another country has no
// national form here; `x` begins with a plus.
const rewrite = (text, aim) =>
  text.replace(rx, (old, at) => {
    // A digit, or another country's code, stands before it: it is some other number.
    if (/\d$|\+\d+[^\da-z]*$/i.test(text.slice(0, at).slice(-9))) return old;
    const entry = known[old.replace(PUNCTUATION, "")];
    const form = entry[1];
    const { n, nn, x } = aim(shown[entry[0]]);
    const left = ((form > 2 && x) || forms(n, nn)[form]).match(/\+?\d/g);
    const filled = old.replace(/%20|[^\x01]/g, (sign) => /^\d/.test(sign) ? left.shift() || "" : left[0] ? sign : "");
    return filled + left.join("");
  });

const asWritten = ({ t, tn }) => ({ t, tn, n: t, nn: tn });
