// nginx: a reverse proxy without a tunnel, keeping its connections to the target. Its access log is off, which favours it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, startDaemon, versionOf } from "../daemon.ts";
import { number, runProgram, text } from "../program.ts";

runProgram({
  async proxy(config) {
    const port = await freePort();
    const dir = join(text(config, "dir"), "nginx");
    mkdirSync(dir, { recursive: true });
    const file = join(dir, "nginx.conf");
    const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${dir}/${name};`)
      .join("\n  ");
    writeFileSync(
      file,
      `daemon off;
worker_processes auto;
pid ${dir}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  ${folders}
  upstream target { server 127.0.0.1:${number(config, "targetPort")}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${text(config, "cert")};
    ssl_certificate_key ${text(config, "key")};
    keepalive_requests 1000000;
    location / {
      proxy_pass http://target;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`,
    );
    const daemon = await startDaemon("nginx", ["-c", file, "-p", dir, "-e", "stderr"], port);
    return { facts: { port, version: await versionOf("nginx", ["-v"]) }, stop: daemon.stop };
  },
});
