// The administrators' page: everybody's desks, to find by a word, to sort by a column, and to act on.
(() => {
  const [place, template, filter, running, sum, nothing] = ["desks", "row", "filter", "running", "sum", "nothing"]
    .map((id) => document.getElementById(id));
  const currency = document.querySelector("[data-currency]").dataset.currency;
  const headings = [...document.querySelectorAll("[data-sort]")];
  let rows = [];
  let sorted = { field: "owner", down: false };

  const value = (row, path) => path.split(".").reduce((found, key) => found?.[key], row) ?? "";
  const compare = (one, other) =>
    typeof one === "string" ? one.localeCompare(other, undefined, { numeric: true }) : one - other;
  const inOrder = (one, other) => {
    const first = compare(value(one, sorted.field), value(other, sorted.field)) * (sorted.down ? -1 : 1);
    return first || compare(one.key, other.key);
  };
  const words = (row) =>
    [row.owner, row.title, row.state, row.message, row.size, row.node, row.image.title].join(" ").toLowerCase();

  const draw = () => {
    const wanted = filter.value.toLowerCase().split(/\s+/);
    const shown = rows.filter((row) =>
      wanted.every((word) => words(row).includes(word)) && !(running.checked && row.state === "Stopped"));
    const found = new Set(shown);
    carrel.list(place, template, [...rows].sort(inOrder));
    for (const copy of place.children) copy.hidden = !found.has(copy.carrelRow);
    const price = shown.reduce((total, row) => total + row.price, 0).toFixed(2);
    const busy = shown.filter((row) => row.state === "Running").length;
    const part = shown.length === rows.length ? `${rows.length}` : `${shown.length} of ${rows.length}`;
    sum.textContent = `${part} ${rows.length === 1 ? "desk" : "desks"}, ${busy} running, ${currency}${price} per hour`;
    nothing.hidden = shown.length > 0;
  };

  const question = (name, row) => ({
    stop: `Stop the desk of ${row.owner}? Files stay; what is in memory is lost.`,
    restart: `Restart the desk of ${row.owner}? Files stay; what is in memory is lost.`,
  })[name];

  for (const heading of headings) {
    heading.addEventListener("click", () => {
      const field = heading.dataset.sort;
      sorted = { field, down: sorted.field === field && !sorted.down };
      for (const each of headings) each.closest("th").removeAttribute("aria-sort");
      heading.closest("th").setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      draw();
    });
  }
  filter.addEventListener("input", draw);
  running.addEventListener("change", draw);
  carrel.act(place, question);
  carrel.listen("desks", (found) => {
    rows = found;
    draw();
  });
  window._jupyterhub_page_loaded = true;
})();
