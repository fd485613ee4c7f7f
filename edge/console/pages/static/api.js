// The API of the console, as this page asks it.

const PREFIX = "/api/v1";
export const visitor = JSON.parse(document.body.dataset.visitor ?? "null");

/** What the console said when it did not do something. */
export class ApiError extends Error {
  constructor(status, said) {
    super(said.error || `status ${status}`);
    this.status = status;
    this.place = said.place ?? "";
    this.hint = said.hint ?? "";
  }
}

// What is refused to people who are limited to groups, whatever their role allows.
const FOR_ALL = ["audit:read", "tokens:write", "people:write", "releases:write"];

/** Whether this visitor may do something, so that nothing is offered that would be refused. */
export function may(scope) {
  if (visitor?.groups && FOR_ALL.includes(scope)) return false;
  return visitor?.scopes.includes(scope) ?? false;
}

/** Whether he reaches all devices: only then can he register new ones and change groups. */
export const reachesAll = !visitor?.groups;

// Their answers are stored nowhere, so that they can not be given again.
const TELL_SECRETS = ["/tokens", "/session", "/people", "/hooks", "/enrolment-keys"];

export const get = (path, query, signal) => ask("GET", path + words(query), undefined, signal);
export const post = (path, body) => ask("POST", path, body);
export const put = (path, body) => ask("PUT", path, body);
export const patch = (path, body) => ask("PATCH", path, body);
export const remove = (path) => ask("DELETE", path);
/** Return a part of a path. */
export const part = encodeURIComponent;

function words(query) {
  const found = Object.entries(query ?? {}).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return found.length ? `?${new URLSearchParams(found)}` : "";
}

export function headers() {
  return visitor?.own_page ? { "X-Edge-Page": visitor.own_page } : {};
}

async function ask(method, path, body, signal) {
  const sent = { method, headers: headers(), signal, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    sent.body = JSON.stringify(body);
    sent.headers["Content-Type"] = "application/json";
  }
  // The same request again, after an answer that was lost, is not done twice.
  if (method === "POST" && !TELL_SECRETS.some((one) => path.startsWith(one))) {
    sent.headers["Idempotency-Key"] = crypto.randomUUID();
  }
  let answer;
  let text;
  try {
    answer = await fetch(PREFIX + path, sent);
    text = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { error: "the console does not answer", hint: "is it running, and is this machine connected?" });
  }
  if (answer.status === 204) return null;
  const said = parsed(text);
  if (answer.ok && said) return said;
  if (answer.status === 401 && !path.startsWith("/session")) logIn();
  throw new ApiError(answer.status, said ?? { error: `${method} ${path}: no JSON came back` });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Go to the login, and back here afterwards. */
export function logIn() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Send a file; tells how many bytes went. */
export function upload(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${PREFIX}/releases`);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "text";
    request.upload.onprogress = (event) => onProgress(event.loaded, event.total || file.size);
    request.upload.onload = () => onProgress(file.size, file.size);
    request.onerror = () => reject(new ApiError(0, { error: "the console does not answer", hint: "nothing was kept; send it again" }));
    request.onabort = () => reject(new ApiError(0, { error: "stopped", hint: "nothing was kept" }));
    request.onload = () => {
      let said = {};
      try {
        said = JSON.parse(request.responseText);
      } catch {
        said = { error: `status ${request.status}` };
      }
      if (request.status < 300) resolve(said);
      else reject(new ApiError(request.status, said));
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
