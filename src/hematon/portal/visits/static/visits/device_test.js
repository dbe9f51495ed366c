// Tries camera, microphone and connection. Pictures and sound stay in the browser; the bytes that
// are timed are random and are dropped by the server.
const place = document.querySelector("[data-device-test]");
const GIVE_UP_AFTER_MS = 20000;
const LISTEN_MS = 4000;
const HEARD = 4;

function word(name) {
  return place.querySelector(`[data-word="${name}"]`).textContent;
}

function step(name) {
  return place.querySelector(`[data-step="${name}"]`);
}

function say(name, text) {
  step(name).querySelector("[data-said]").textContent = text;
}

async function media(constraints) {
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch {
    return null;
  }
}

async function camera() {
  say("camera", word("testing"));
  const stream = await media({ video: true });
  const video = step("camera").querySelector("video");
  video.hidden = !stream;
  video.srcObject = stream;
  say("camera", word(stream ? "camera-good" : "camera-none"));
  return Boolean(stream);
}

function loudness(analyser, samples) {
  analyser.getByteTimeDomainData(samples);
  let most = 0;
  for (const sample of samples) most = Math.max(most, Math.abs(sample - 128));
  return (most / 128) * 100;
}

async function microphone() {
  say("microphone", word("testing"));
  const stream = await media({ audio: true });
  const meter = step("microphone").querySelector("meter");
  meter.hidden = !stream;
  if (!stream) {
    say("microphone", word("microphone-none"));
    return false;
  }
  const sound = new AudioContext();
  await sound.resume();
  const analyser = sound.createAnalyser();
  sound.createMediaStreamSource(stream).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  say("microphone", word("microphone-quiet"));
  const until = performance.now() + LISTEN_MS;
  let heard = 0;
  while (performance.now() < until) {
    meter.value = loudness(analyser, samples);
    heard = Math.max(heard, meter.value);
    if (heard >= HEARD) say("microphone", word("microphone-good"));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  stream.getTracks().forEach((track) => track.stop());
  await sound.close();
  return true;
}

async function timed(address, options) {
  const begun = performance.now();
  const stop = AbortSignal.timeout(GIVE_UP_AFTER_MS);
  const response = await fetch(address, { cache: "no-store", signal: stop, ...options });
  if (!response.ok) throw new Error("not timed");
  await response.arrayBuffer();
  const seconds = (performance.now() - begun) / 1000;
  return (Number(place.dataset.bytes) * 8) / 1e6 / seconds;
}

async function connection() {
  say("connection", word("testing"));
  try {
    const down = await timed(place.dataset.down, {});
    const up = await timed(place.dataset.up, {
      method: "POST",
      body: new Uint8Array(Number(place.dataset.bytes)),
      headers: {
        "Content-Type": "application/octet-stream",
        "X-CSRFToken": place.querySelector("[name=csrfmiddlewaretoken]").value,
      },
    });
    const shown = (speed) => speed.toFixed(1);
    say("connection", word("speed").replace("DOWN", shown(down)).replace("UP", shown(up)));
    return Math.min(down, up);
  } catch {
    say("connection", word("speed-none"));
    return 0;
  }
}

async function test(event) {
  event.target.disabled = true;
  place.querySelector("[data-result]").replaceChildren();
  const seen = await camera();
  const heard = await microphone();
  const speed = await connection();
  let verdict = "good";
  if (speed < Number(place.dataset.enough)) verdict = "poor";
  if (!seen || !heard || speed < Number(place.dataset.least)) verdict = "phone";
  const shown = place.querySelector(`[data-verdict="${verdict}"]`).content.cloneNode(true);
  place.querySelector("[data-result]").replaceChildren(shown);
  event.target.disabled = false;
}

document.querySelector("[data-by-hand]").hidden = true;
place.hidden = false;
place.querySelector("[data-start]").addEventListener("click", test);
