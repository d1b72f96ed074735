// What pages with live rows share: slots that are filled with text, a stream of rows, and requests to the hub's API.
const carrel = (() => {
  const { base_url: base, xsrf_token: token } = window.jhdata;
  const RECONNECT = 5000; // ms

  const field = (row, path) => path.split(".").reduce((found, key) => found?.[key], row);
  const put = (node, property, value) => {
    if (node[property] !== value) node[property] = value;
  };
  const attribute = (node, name, value) => {
    if (value) node.setAttribute(name, value);
    else node.removeAttribute(name);
  };
  const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });

  // "14:05" today, "Mon 14:05" this week, "3 Nov, 14:05" before
  const moment = (text) => {
    const at = new Date(text);
    const days = Math.abs(Date.now() - at) / 864e5;
    const clock = { hour: "2-digit", minute: "2-digit" };
    if (at.toDateString() === new Date().toDateString()) return at.toLocaleTimeString([], clock);
    return at.toLocaleString([], days < 6 ? { weekday: "short", ...clock } : { day: "numeric", month: "short", ...clock });
  };

  // What a slot does with its field. Everything that people wrote arrives as text and stays text.
  const SLOTS = {
    text: (node, value) => put(node, "textContent", String(value ?? "")),
    hint: (node, value) => put(node, "title", value ?? ""),
    label: (node, value) => attribute(node, "aria-label", value),
    show: (node, value) => put(node, "hidden", !value || value.length === 0),
    href: (node, value) => attribute(node, "href", value),
    tone: (node, value) => attribute(node, "data-is", value),
    able: (node, value) => put(node, "disabled", !value),
    time: (node, value) => put(node, "textContent", value ? moment(value) : ""),
    lines: (node, value = []) => {
      if (node.carrelLines === JSON.stringify(value)) return;
      node.carrelLines = JSON.stringify(value);
      node.replaceChildren(...value.map((each) => element("li", each)));
    },
    options: (node, value = []) => {
      if (node.carrelOptions === JSON.stringify(value)) return;
      node.carrelOptions = JSON.stringify(value);
      node.replaceChildren(...value.map((each) => new Option(each.text, each.name)));
    },
    chosen: (node, value) => put(node, "value", value),
    meter: (node, value) => {
      put(node, "hidden", !value);
      const percent = value?.percent ?? 0;
      node.firstElementChild.style.width = `${percent}%`;
      attribute(node, "data-is", percent >= 92 ? "bad" : percent >= 80 ? "busy" : "on");
    },
  };

  const slotsOf = (root) => Object.entries(SLOTS).flatMap(([name, act]) =>
    [root, ...root.querySelectorAll(`[data-${name}]`)]
      .filter((node) => name in node.dataset)
      .map((node) => [node, node.dataset[name], act]));

  // Where the focus goes when the button that had it is gone: to the next one, which may take a moment to come.
  const refocus = (root) => {
    const next = [...root.querySelectorAll(".carrel-buttons > *")].find((each) => each.checkVisibility());
    root.tabIndex = -1;
    (next ?? root).focus();
  };

  const fill = (root, row) => {
    const focused = root.contains(document.activeElement) && document.activeElement;
    root.carrelSlots ??= slotsOf(root);
    root.carrelRow = row;
    for (const [node, path, act] of root.carrelSlots) act(node, field(row, path));
    if (focused === root || (focused && !focused.checkVisibility())) refocus(root);
  };

  // One copy of the template for each row, in their order; those that stay are never made anew, nor lose the focus.
  const list = (place, template, rows) => {
    place.carrelCopies ??= new Map();
    const copies = place.carrelCopies;
    const keys = new Set(rows.map((row) => row.key));
    for (const [key, copy] of copies) {
      if (keys.has(key)) continue;
      copy.remove();
      copies.delete(key);
    }
    const focused = document.activeElement;
    let next = place.firstElementChild;
    for (const row of rows) {
      if (!copies.has(row.key)) copies.set(row.key, document.importNode(template.content, true).firstElementChild);
      const copy = copies.get(row.key);
      if (copy.carrelRow !== row) fill(copy, row);
      if (copy === next) next = next.nextElementSibling;
      else place.insertBefore(copy, next);
    }
    if (document.activeElement === document.body && focused.isConnected) focused.focus(); // it was moved
    place.setAttribute("aria-busy", "false");
  };

  // Rows as they are, and again whenever they change, while somebody looks at the page.
  const listen = (path, show) => {
    const stale = document.getElementById("stale");
    const rows = new Map();
    let events = null;
    const open = () => {
      events?.close();
      events = new EventSource(`${base}api/${path}?_xsrf=${encodeURIComponent(token)}`);
      events.onmessage = (message) => {
        const news = JSON.parse(message.data);
        if (news.all) rows.clear();
        for (const key of news.gone) rows.delete(key);
        for (const [key, row] of Object.entries(news.changed)) rows.set(key, row);
        stale.hidden = true;
        show([...rows.values()]);
      };
      events.onerror = () => {
        stale.textContent = "The hub does not answer, so this page may be old. It tries again by itself; reload it if you were signed out.";
        stale.hidden = false;
        if (events.readyState === EventSource.CLOSED) setTimeout(open, RECONNECT);
      };
    };
    document.addEventListener("visibilitychange", () => (document.hidden ? events.close() : open()));
    open();
  };

  const place = (row) => {
    const user = `users/${encodeURIComponent(row.owner)}`;
    return row.server ? `${user}/servers/${encodeURIComponent(row.server)}` : `${user}/server`;
  };

  const ask = async (method, path, body) => {
    const answer = await fetch(`${base}api/${path}`, {
      method,
      headers: { "X-XSRFToken": token, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    }).catch(() => {
      throw new Error("The hub does not answer. Try again in a moment.");
    });
    if (answer.ok) return;
    const content = await answer.json().catch(() => ({}));
    throw new Error(content.message || `The hub answered ${answer.status}.`);
  };

  const DEEDS = {
    start: (row) => ask("POST", place(row)),
    rescue: (row) => ask("POST", place(row), { instance_type: row.size, image: row.image.name, rescue: true }),
    stop: (row) => ask("DELETE", place(row)),
    restart: (row) => ask("PATCH", place(row), { restart: true }),
    delete: (row) => ask("DELETE", place(row), { remove: true }),
    keep: (row, node) => ask("PATCH", place(row), { keep_for: node.value === "usual" ? null : node.value }),
    size: (row, node) => ask("PATCH", place(row), { instance_type: node.value }),
  };

  // Buttons and choices do what their data-do or data-change says, to the row that they are in.
  const act = (place, question) => {
    const copyOf = (node) => [...place.carrelCopies.values()].find((copy) => copy.contains(node));
    const deed = async (node, name) => {
      const copy = copyOf(node);
      const row = copy.carrelRow;
      const asked = question(name, row);
      if (node.carrelBusy || (asked && !window.confirm(asked))) return;
      const error = copy.querySelector("[role=alert]");
      error.textContent = "";
      node.carrelBusy = true;
      node.setAttribute("aria-busy", "true");
      try {
        await DEEDS[name](row, node);
      } catch (problem) {
        error.textContent = problem.message;
        fill(copy, copy.carrelRow); // a choice goes back to what is
      }
      if (node.dataset.reset !== undefined) node.value = node.dataset.reset;
      node.carrelBusy = false;
      node.removeAttribute("aria-busy");
    };
    place.addEventListener("click", (event) => {
      const node = event.target.closest("[data-do]");
      if (node) deed(node, node.dataset.do);
    });
    place.addEventListener("change", (event) => {
      if (event.target.dataset.change) deed(event.target, event.target.dataset.change);
    });
  };

  return { act, ask, base, list, listen };
})();
