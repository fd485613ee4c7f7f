// The ways in.

const place = document.getElementById("trouble");
const form = document.getElementById("login");
const next = document.body.dataset.next || "/";

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  place.hidden = true;
  try {
    const { name, password } = Object.fromEntries(new FormData(form));
    const answer = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      credentials: "same-origin",
      body: JSON.stringify({ name, password }),
    });
    if (answer.ok) return location.assign(next);
    const said = await answer.json().catch(() => ({}));
    const wait = answer.status === 429 ? ` Try again in ${answer.headers.get("Retry-After") ?? "a few"} s.` : "";
    tell((said.error ?? `The console said ${answer.status}.`) + wait);
  } catch {
    tell("The console does not answer.");
  } finally {
    button.disabled = false;
  }
  form.password.select();
});

function tell(text) {
  place.textContent = text;
  place.hidden = false;
}

async function showWays() {
  const answer = await fetch("/api/v1/session/ways", { credentials: "same-origin" });
  if (!answer.ok) return;
  const ways = await answer.json();
  document.getElementById("first").hidden = !ways.first;
  if (ways.oidc) {
    const link = document.getElementById("oidc-start");
    link.textContent = `Log in with ${ways.oidc.name}`;
    link.href = `/auth/oidc/start?next=${encodeURIComponent(next)}`;
    document.getElementById("oidc").hidden = false;
  }
  form.hidden = ways.password === false;
}

showWays().catch(() => {});
