// What acts or takes text and has no name, ids that are given twice, and landmarks.
() => {
  const nameOf = (one) => one.getAttribute("aria-label") || one.innerText?.trim() ||
    one.labels?.[0]?.innerText.trim() || one.title ||
    document.getElementById(one.getAttribute("aria-labelledby"))?.innerText;
  const act = "a, button, input:not([type=hidden]), select, textarea, [role=progressbar], [role=img]";
  const bad = [...document.querySelectorAll(act)].filter((one) => one.checkVisibility() && !nameOf(one));
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
  const images = [...document.querySelectorAll("svg")].filter((one) => one.getAttribute("aria-hidden") !== "true");
  const broken = [...document.querySelectorAll("[aria-controls], [aria-describedby], [aria-labelledby]")]
    .flatMap((one) => ["aria-controls", "aria-describedby", "aria-labelledby"].map((name) => one.getAttribute(name)))
    .filter((id) => id && !document.getElementById(id));
  return [
    ...bad.map((one) => `no name: ${one.outerHTML.slice(0, 100)}`),
    ...twice.map((id) => `twice: ${id}`),
    ...images.map((one) => `a picture that is told: ${one.outerHTML.slice(0, 80)}`),
    ...broken.map((id) => `nothing is called ${id}`),
    ...["main", "nav", "h1"].filter((one) => document.querySelectorAll(one).length < 1).map((one) => `no ${one}`),
    ...(document.querySelectorAll("h1").length > 1 ? ["two h1"] : []),
    ...(document.querySelectorAll("main").length > 1 ? ["two main"] : []),
  ];
}
