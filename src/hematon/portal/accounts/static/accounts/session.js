// Warns two minutes before the server ends the session; the server alone decides when it ends.
(() => {
  const dialog = document.getElementById("session-warning")
  if (!dialog || typeof dialog.showModal !== "function") return
  const form = dialog.querySelector("form")
  const seconds = Number(dialog.dataset.seconds)
  const WARN = 120
  let warning, ending

  const begin = (left) => {
    clearTimeout(warning)
    clearTimeout(ending)
    warning = setTimeout(() => dialog.open || dialog.showModal(), Math.max(0, left - WARN) * 1000)
    ending = setTimeout(end, left * 1000)
  }
  const end = () => {
    dialog.querySelector("h2").textContent = dialog.dataset.ended
    dialog.querySelector("p").textContent = dialog.dataset.endedText
    form.hidden = true
    if (!dialog.open) dialog.showModal()
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" })
      if (!answer.ok) throw new Error()
      dialog.close()
      begin(seconds)
    } catch {
      end()
    }
  })
  begin(seconds)
})()
