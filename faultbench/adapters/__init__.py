"""One file a tool. `TOOLS` is the order of the table."""

TOOLS = (
    "assay assay-fix traincheck torch-audit torchmortem gradsnitch gradglass runmedic traintools "
    "trainspotter cockpit anomaly-mode debug-underflow-overflow lightning"
).split()
