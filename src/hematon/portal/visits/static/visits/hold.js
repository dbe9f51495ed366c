// Counts down the time that a family holds, warns at two minutes, and asks for more in place.
// The server alone decides: without this script the page says until when, and the button works.
(() => {
  const box = document.querySelector("[data-hold]")
  if (!box) return
  const left = box.querySelector("[data-left]")
  const warning = box.querySelector("[data-warning]")
  const form = box.querySelector("[data-extend]")
  const MORE = 600
  let ends = Date.now() + Number(box.dataset.seconds) * 1000
  let said = ""

  const say = (name) => {
    if (said === name) return
    said = name
    warning.textContent = name ? warning.dataset[name] : ""
    warning.classList.toggle("nhsuk-u-visually-hidden", !name)
  }
  const tick = () => {
    const seconds = Math.round((ends - Date.now()) / 1000)
    if (seconds <= 0) {
      left.hidden = true
      say("over")
      return
    }
    left.hidden = false
    const minutes = Math.round(seconds / 60)
    left.textContent = seconds < 90 ? left.dataset.last : left.dataset.words.replace("MINUTES", String(minutes))
    if (seconds < 120) say("soon")
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
        redirect: "error",
      })
      if (!answer.ok) throw new Error()
      ends = Date.now() + MORE * 1000
      say("again")
      tick()
    } catch {
      // The page itself says what happened.
      form.submit()
    }
  })
  tick()
  setInterval(tick, 5000)
})()
