/** The nonce of this page, which the hub's Content-Security-Policy wants of every style element. */
export const styleNonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";

// The library that keeps the page from scrolling behind a dialog (react-style-singleton) looks for it here.
Object.assign(globalThis, { __webpack_nonce__: styleNonce });
