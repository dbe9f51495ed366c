// Says that files are on their way, and keeps a second press from sending them twice.
"use strict";
for (const part of document.querySelectorAll(".hm-upload")) {
  const form = part.closest("form");
  const box = part.querySelector("input[type=file]");
  const status = part.querySelector("[role=status]");
  let sending = false;
  form.addEventListener("submit", (event) => {
    if (sending) {
      event.preventDefault();
      return;
    }
    if (box.files.length > 0) {
      sending = true;
      status.textContent = part.dataset.sending;
    }
  });
  // The browser's back button may bring the page back as it was left.
  window.addEventListener("pageshow", () => {
    sending = false;
    status.textContent = "";
  });
}
