// Control against treated: the mean of each side, and the spread over its seeds as a band.
function trialPanel(trial) {
  const lines = [];
  const series = [];
  const bands = [];
  trial.sides.forEach((side, i) => {
    const name = i === 0 ? "line-8" : "line-3";
    const edge = { stroke: () => "transparent", spanGaps: true, points: { show: false }, value: atCursorOrEnd };
    const at = lines.length + 1;
    lines.push({ label: side.label, x: side.x, y: side.mean }, { label: `${side.label}, best seed`, x: side.x, y: side.low }, { label: `${side.label}, worst seed`, x: side.x, y: side.high });
    series.push(
      { label: side.label, stroke: () => colour(name), width: 2, spanGaps: true, points: { show: false }, value: atCursorOrEnd },
      { ...edge, label: `${side.label}, lowest` },
      { ...edge, label: `${side.label}, highest` },
    );
    bands.push([at + 2, at + 1, name]);
  });
  return { ...trial, lines, series, bands, limits: [], unit: "", height: 240, linked: false };
}
