// A Node.js that does nothing: what every program of it has at least.
setInterval(() => {}, 60_000);
process.send?.({ facts: {} });
