// Says what the clock of the device will show, where it differs from the clinic's.
(() => {
  const line = document.querySelector("[data-local]")
  if (!line) return
  const moment = new Date(line.dataset.local)
  const language = document.documentElement.lang
  const options = { weekday: "long", hour: "numeric", minute: "2-digit", timeZoneName: "short" }
  const here = new Intl.DateTimeFormat(language, options).format(moment)
  const offset = -moment.getTimezoneOffset()
  if (line.dataset.offset !== undefined && Number(line.dataset.offset) === offset) return
  line.textContent = line.dataset.words.replace("TIME", here)
  line.hidden = false
})()
