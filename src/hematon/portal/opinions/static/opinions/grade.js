// Says how the family's version reads while it is written. Without it, saving says the same.
"use strict";
const form = document.querySelector("form[data-grade]");
for (const meter of form ? form.querySelectorAll("[data-meter]") : []) {
  const language = meter.dataset.meter;
  const box = form.querySelector(`[name=family_${language}]`);
  let waiting = 0;
  const ask = async () => {
    const body = new URLSearchParams({ language, text: box.value });
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(form.dataset.grade, {
      method: "POST", body, headers: { "X-CSRFToken": token }, credentials: "same-origin",
    });
    if (!answer.ok) return;
    const found = await answer.json();
    meter.querySelector("p").textContent = found.said;
    meter.querySelector("ul").replaceChildren(...found.advice.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
  };
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => ask().catch(() => {}), 700);
  });
}
