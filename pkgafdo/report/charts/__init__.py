"""The report's charts: SVG with real text, drawn by matplotlib, coloured by the page."""
