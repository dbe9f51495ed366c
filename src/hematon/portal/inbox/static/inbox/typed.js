// Keeps what is being typed on the server, so that a session that ends takes nothing with it.
// The page works without: then an unsent text is lost when the session ends.
(() => {
  const EVERY = 4000
  for (const form of document.querySelectorAll("form[data-typed]")) {
    const box = form.querySelector("textarea")
    const token = form.querySelector("[name=csrfmiddlewaretoken]")
    if (!box || !token) continue
    let kept = box.value
    let waiting
    let sent = false
    const keep = async () => {
      waiting = undefined
      if (sent || box.value === kept) return
      const text = box.value
      const body = new FormData()
      body.set("csrfmiddlewaretoken", token.value)
      body.set("text", text)
      try {
        const answer = await fetch(form.dataset.typed, { method: "POST", body, redirect: "error" })
        if (answer.ok) kept = text
      } catch {
        // Signed out or offline: the text is still in the box.
      }
    }
    box.addEventListener("input", () => {
      waiting = waiting ?? setTimeout(keep, EVERY)
    })
    form.addEventListener("submit", () => {
      sent = true
      clearTimeout(waiting)
    })
  }
})()
