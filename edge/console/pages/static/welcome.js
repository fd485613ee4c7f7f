// The first password of who was invited; the secret stands behind the `#` and goes nowhere else.

const place = document.getElementById("trouble");
const form = document.getElementById("welcome");
const secret = location.hash.slice(1);

// It is not to stay in the history of the browser.
history.replaceState(null, "", location.pathname);
if (!secret) tell("This link is not whole: the part behind # is missing.");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  place.hidden = true;
  const said = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch("/api/v1/session/welcome", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      credentials: "same-origin",
      body: JSON.stringify({ secret, ...said }),
    });
    if (answer.ok) return location.assign("/");
    const told = await answer.json().catch(() => ({}));
    tell([told.error ?? `The console said ${answer.status}.`, told.hint].filter(Boolean).join(" "));
  } catch {
    tell("The console does not answer.");
  } finally {
    button.disabled = false;
  }
});

function tell(text) {
  place.textContent = text;
  place.hidden = false;
}
