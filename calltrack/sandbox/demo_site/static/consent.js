// The demo site's own cookie banner in its shortest form: what was said is told to the snippet.
(() => {
  "use strict";
  const key = "demo-consent";
  const said = () => {
    try {
      return localStorage.getItem(key) != "no";
    } catch {
      return true;
    }
  };
  window.ct = { consent: said() };
  const show = (button) => (button.textContent = said() ? "Cookie: accettati · rifiuta" : "Cookie: rifiutati · accetta");
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-consent-switch]");
    if (!button) return;
    show(button);
    button.addEventListener("click", () => {
      localStorage.setItem(key, said() ? "no" : "yes");
      window.ct.consent(said());
      show(button);
    });
  });
})();
