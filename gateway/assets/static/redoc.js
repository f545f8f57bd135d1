"use strict";

(() => {
  const target = document.getElementById("redoc");
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  const options = {
    hideDownloadButtons: false,
    nativeScrollbars: true,
    scrollYOffset: ".bar",
    theme: {
      colors: { primary: { main: value("--accent") }, text: { primary: value("--text") } },
      sidebar: { backgroundColor: value("--ground"), textColor: value("--text") },
      rightPanel: { backgroundColor: value("--ink") },
      spacing: { sectionVertical: 24 },
      typography: {
        fontFamily: value("--sans"),
        fontSize: "15px",
        headings: { fontFamily: value("--sans"), fontWeight: "600" },
        code: { fontFamily: value("--mono"), fontSize: "13px" },
      },
    },
  };
  window.Redoc.init(target.dataset.openapiUrl, options, target, (error) => {
    if (error) {
      const message = document.createElement("p");
      message.className = "load-error";
      message.setAttribute("role", "alert");
      message.textContent = `The API description could not be read: ${error.message}`;
      target.replaceChildren(message);
    }
  });
})();
