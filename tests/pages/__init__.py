"""The API pages: as HTTP answers, and as a browser draws them."""
