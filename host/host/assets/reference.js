// `/reference`: Scalar. All that it would ask of its makers' servers is off.
"use strict";

{
  const root = document.documentElement;
  const isDark = () => root.classList.contains("dark-mode");
  let shown = null;
  let scalar = null;

  const configuration = () => ({
    content: shown.text,
    baseServerURL: location.origin,
    // Without a server the lines for curl would have no host.
    ...(shown.hasServers ? {} : { servers: [{ url: location.origin }] }),
    theme: "default",
    layout: "modern",
    forceDarkModeState: isDark() ? "dark" : "light",
    hideDarkModeToggle: true,
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    showDeveloperTools: "never",
    documentDownloadType: "none",
    persistAuth: false,
    showOperationId: true,
    // The landing page has links of this form: `#tag/<tag>/<operationId>`.
    generateTagSlug: ({ name }) => (name ?? "").replace(/[^A-Za-z0-9._~-]/g, "-"),
    generateOperationSlug: ({ operationId, method, path }) => operationId ?? `${method}${path}`,
    customCss: ":root { --scalar-custom-header-height: 3.5rem; }",
  });

  const show = (url, text) => {
    shown = { text, hasServers: JSON.parse(text).servers?.length > 0 };
    if (scalar) scalar.updateConfiguration(configuration());
    else scalar = Scalar.createApiReference("#reader", configuration());
  };

  // Scalar has its colours by these classes. It sets them once itself, and again when those of the system change.
  const colour = () => {
    document.body.classList.toggle("dark-mode", isDark());
    document.body.classList.toggle("light-mode", !isDark());
  };
  root.addEventListener("witapi:theme", colour);
  new MutationObserver(colour).observe(document.body, { attributeFilter: ["class"] });

  reader({ show, renew: show });
}
