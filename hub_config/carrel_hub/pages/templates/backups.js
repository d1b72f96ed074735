// The page of backups: what there is to restore comes from the API, and a restore is followed until it is over.
(() => {
  const { base_url: base, user, xsrf_token: token } = window.jhdata;
  const [form, files, date, path] = ["restore", "files", "date", "path"].map((id) => document.getElementById(id));
  const [complaint, last, restores] = ["complaint", "last", "restores"].map((id) => document.getElementById(id));
  const button = form.querySelector("button");
  let known = [];
  let next = 0;

  const ask = async (method, place, body) => {
    const answer = await fetch(`${base}api/users/${encodeURIComponent(user)}/server/${place}`, {
      method,
      headers: { "X-XSRFToken": token, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.message);
    return content;
  };

  // What the list of files has for an entry: two of them may differ in the owner only, or in the project only.
  const key = (each) => JSON.stringify([each.owner, each.project]);

  const chosen = () => known.find((each) => key(each) === files.value) || known[0];

  const moment = (at) =>
    new Date(at).toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });

  const complain = (error) => {
    complaint.textContent = error ? error.message || "The hub does not answer. Try again in a moment." : "";
    complaint.hidden = !error;
  };

  const showDates = () => {
    const { snapshots, last_at: lastAt, message } = chosen();
    date.replaceChildren(...snapshots.map((each) => new Option(moment(each.at), each.at)));
    date.disabled = button.disabled = snapshots.length === 0;
    last.textContent = lastAt
      ? `The last backup is of ${moment(lastAt)}. ${message}`
      : `${message} The first one is made in the night after the first use.`;
  };

  const line = (restore) => {
    const item = document.createElement("li");
    const dot = document.createElement("span");
    const state = { Done: "carrel-on", Failed: "carrel-off" }[restore.phase] || "carrel-busy";
    dot.className = `carrel-dot ${state}`;
    const said = document.createElement("span");
    said.textContent = restore.message.includes(restore.path) ? restore.message : `${restore.path}: ${restore.message}`;
    item.append(dot, said);
    return item;
  };

  const show = (found) => {
    const first = known.length === 0;
    known = found.files;
    if (first) {
      files.replaceChildren(...known.map((each) => new Option(each.title, key(each))));
      showDates();
    }
    restores.hidden = found.restores.length === 0;
    const newest = [...found.restores].sort((a, b) => (b.finished_at || "9").localeCompare(a.finished_at || "9"));
    restores.querySelector("ul").replaceChildren(...newest.map(line));
    clearTimeout(next);
    const busy = found.restores.some((each) => !["Done", "Failed"].includes(each.phase));
    if (busy) next = setTimeout(look, 1000);
  };
  const look = () => ask("GET", "backups").then(show, complain);

  files.addEventListener("change", showDates);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    complain(null);
    button.disabled = true;
    const { owner, project } = chosen();
    ask("POST", "restores", { path: path.value.trim(), as_of: date.value, owner, project })
      .then(look, complain)
      .finally(() => (button.disabled = false));
  });
  look();
  window._jupyterhub_page_loaded = true;
})();
