"use strict";

(() => {
  const target = document.getElementById("swagger-ui");
  window.SwaggerUIBundle({
    domNode: target,
    url: target.dataset.openapiUrl,
    deepLinking: true,
    displayRequestDuration: true,
    filter: true,
    tryItOutEnabled: true,
    persistAuthorization: false,
    // The badge of the public validator would tell an outside server which API is read here.
    validatorUrl: null,
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
})();
