"""From a file that somebody has to map tiles on the one grid: inspection, ingest, image and vector tiles."""
