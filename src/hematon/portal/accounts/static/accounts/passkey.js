// Shows what passkeys need only where the browser knows them, and says when one did not work.
(() => {
  const known = "PublicKeyCredential" in window
  for (const part of document.querySelectorAll("[data-passkey]")) part.hidden = !known
  for (const part of document.querySelectorAll("[data-no-passkey]")) part.hidden = known
  const error = document.querySelector("[data-passkey-error]")
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault()
    if (error) error.hidden = false
  })
})()
