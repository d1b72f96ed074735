// Another size for a server that runs, on the hub's home page: asked for, and followed until there is a last word.
(() => {
  const { base_url: base, user, xsrf_token: token } = window.jhdata;
  const MOVING = ["InProgress", "Deferred"];

  const ask = async (server, method, path, body) => {
    const place = server ? `servers/${encodeURIComponent(server)}` : "server";
    const answer = await fetch(`${base}api/users/${encodeURIComponent(user)}/${place}${path}`, {
      method,
      headers: { "X-XSRFToken": token, "Content-Type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.message);
    return content;
  };

  const title = (size, currency) => {
    const price = size.price_per_hour === null ? "" : `, ${currency}${size.price_per_hour.toFixed(2)} per hour`;
    const restart = size.live ? "" : ", after a restart";
    return `${size.display_name}: ${size.cpu} CPU, ${size.memory}${price}${restart}`;
  };

  for (const place of document.querySelectorAll(".carrel-size")) {
    const server = place.dataset.server;
    const [select, sentence, restart] = ["select", "[role=status]", "button"].map((each) => place.querySelector(each));
    let next = 0;

    const show = (sizes) => {
      select.replaceChildren(
        ...sizes.sizes.map((size) => {
          const chosen = size.name === sizes.instance_type;
          return new Option(title(size, sizes.currency), size.name, chosen, chosen);
        }),
      );
      const state = sizes.resize ? sizes.resize.state : "Applied";
      sentence.textContent = state === "Applied" ? "" : sizes.resize.message;
      restart.hidden = !["Infeasible", "Pending", "Deferred"].includes(state);
      place.hidden = false;
      clearTimeout(next);
      if (MOVING.includes(state)) next = setTimeout(look, state === "Deferred" ? 5000 : 500);
    };
    const fail = (error) => {
      sentence.textContent = error.message || "The hub does not answer. Try again in a moment.";
    };
    const look = () => ask(server, "GET", "/size").then(show, fail);

    select.addEventListener("change", () => {
      sentence.textContent = "Asking for it…";
      ask(server, "PATCH", "", { instance_type: select.value }).then(show, (error) => look().then(() => fail(error)));
    });
    restart.addEventListener("click", () => {
      restart.hidden = true;
      sentence.textContent = "Restarting. Your files stay.";
      ask(server, "PATCH", "", { restart: true }).then(() => setTimeout(() => location.reload(), 3000), fail);
    });
    look();
  }
})();
