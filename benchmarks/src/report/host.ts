import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** The machine and the versions, without its name. */
export interface Host {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly platform: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeHost(): Host {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    versions: {
      node: process.versions.node,
      "@connectrpc/connect-node": versionOf("@connectrpc/connect-node"),
      "@grpc/grpc-js": versionOf("@grpc/grpc-js"),
      "@nats-io/transport-node": versionOf("@nats-io/transport-node"),
      "nats-server":
        /v([\d.]+)/.exec(spawnSync("nats-server", ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1] ?? "none",
    },
  };
}

export function renderHost({ cpu, cores, memoryGib, platform, versions }: Host): string {
  const shown = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${cores} cores of ${cpu}, ${memoryGib} GiB, ${platform}; ${shown.join(", ")}`;
}

function versionOf(name: string): string {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
