// The home page: a person's desks and projects.
(() => {
  const user = window.jhdata.user;
  const [desks, desk, projects, project, none] = ["desks", "desk", "projects", "project", "no-projects"]
    .map((id) => document.getElementById(id));

  const question = (name, row) => ({
    restart: `Restart ${row.title}? Files stay; what is in memory is lost.`,
    delete: `Delete ${row.title}? Your files stay.`,
  })[name];

  carrel.listen(`users/${encodeURIComponent(user)}/desks`, (rows) => {
    const mine = rows.filter((row) => row.kind === "project");
    carrel.list(desks, desk, rows.filter((row) => row.kind === "desk"));
    carrel.list(projects, project, mine);
    none.hidden = mine.length > 0;
  });
  carrel.act(desks, question);
  carrel.act(projects, question);

  document.getElementById("new-desk")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    const error = form.querySelector("[role=alert]");
    error.textContent = "";
    require(["utils"], async (utils) => {
      try {
        const title = utils.sanitise_display_name(form.title.value);
        const path = `users/${encodeURIComponent(user)}/servers/${utils.safe_slug(title)}`;
        await carrel.ask("PUT", path, { display_name: title });
        window.location.reload();
      } catch (problem) {
        error.textContent = problem.message;
      }
    });
  });
  window._jupyterhub_page_loaded = true;
})();
