// `/docs`: Swagger UI.
"use strict";

{
  let ui = null;

  const goTo = (hash) => {
    let place = hash;
    try { place = decodeURIComponent(hash); } catch { /* It is no place then. */ }
    if (place) ui.layoutActions.parseDeepLinkHash(place);
  };

  reader({
    show(url, text) {
      if (ui) {
        // Not `download`: the document is here already, and the page would be emptied for a moment.
        ui.specActions.updateUrl(url);
        ui.specActions.updateSpec(text);
        return;
      }
      ui = SwaggerUIBundle({
        dom_id: "#reader",
        spec: JSON.parse(text),
        deepLinking: true,
        tryItOutEnabled: true,
        displayRequestDuration: true,
        defaultModelsExpandDepth: 0,
        // The badge that says whether a document is valid would be an image from elsewhere.
        validatorUrl: "none",
      });
      addEventListener("hashchange", () => goTo(location.hash));
    },
    renew(url, text) {
      ui.specActions.updateSpec(text);
    },
  });
}
