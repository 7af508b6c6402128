import { dirname, join } from "node:path/posix";

// The import tables of ARCHITECTURE.md. A new folder gets a line here and there.

const everyPackage = ["protocol", "client", "server", "testing"];

/** Which of our packages, by name, the code below a folder may import. Relative imports stay within the folder. */
const packageRules: readonly { root: RegExp; mayImport: readonly string[] }[] = [
  { root: /^packages\/protocol\//, mayImport: [] },
  { root: /^packages\/client\//, mayImport: ["protocol"] },
  { root: /^packages\/server\//, mayImport: ["protocol"] },
  { root: /^packages\/testing\//, mayImport: ["protocol", "client", "server"] },
  { root: /^(tests|benchmarks|scripts)\//, mayImport: everyPackage },
  { root: /^examples\/[^/]+\//, mayImport: everyPackage },
];

const wire = ["@loom-bridge/protocol/messages", "@bufbuild/", "@connectrpc/"];
const sockets = ["node:net", "node:tls", "node:http", "node:https", "node:http2", "node:dgram"];

const everything = "";

/**
 * Which folders of `packages/server/src` a room may import besides itself, and which modules it must not know. Files
 * beside the rooms, such as bridge.ts, know everything, and so do tests.
 */
const roomRules: readonly { room: string; mayImport: readonly string[]; mustNotKnow: readonly string[] }[] = [
  { room: "domain/", mayImport: [], mustNotKnow: [...wire, ...sockets] },
  {
    room: "rpc/",
    mayImport: ["domain/", "listener/admission.ts", "listener/message-stream.ts", "wire/"],
    mustNotKnow: sockets,
  },
  {
    room: "listener/",
    mayImport: ["domain/access/", "domain/bounded-logger.ts", "domain/breaches.ts", "domain/logger.ts", "wire/"],
    mustNotKnow: ["@loom-bridge/protocol/messages"],
  },
  {
    room: "stores/",
    mayImport: ["domain/bus/", "domain/log/", "domain/logger.ts", "domain/memory/", "domain/ring.ts", "domain/tools/"],
    mustNotKnow: [...wire, ...sockets],
  },
  { room: "schema/", mayImport: ["domain/tools/"], mustNotKnow: [...wire, ...sockets] },
  { room: "tools/", mayImport: ["domain/tools/"], mustNotKnow: wire },
  { room: "auth/", mayImport: ["domain/access/", "domain/logger.ts"], mustNotKnow: [...wire, ...sockets] },
  { room: "logging/", mayImport: ["domain/logger.ts"], mustNotKnow: [...wire, ...sockets] },
  {
    room: "metrics/",
    mayImport: ["domain/", "listener/", "overload.ts"],
    mustNotKnow: wire,
  },
  { room: "wire/", mayImport: [], mustNotKnow: sockets },
  { room: "config/", mayImport: [everything], mustNotKnow: [] },
  { room: "cli/", mayImport: [everything], mustNotKnow: [] },
];

const rooms = "packages/server/src/";

/**
 * Checks what every source file imports, for types too. `files` holds texts by path from the root of the repository.
 * Returns one line per import that crosses a boundary.
 */
export function findBoundaryViolations(files: ReadonlyMap<string, string>): string[] {
  const violations: string[] = [];
  for (const [path, text] of files) {
    for (const specifier of importsOf(text)) {
      const problem = specifier.startsWith(".") ? judgeRelative(path, specifier) : judgeNamed(path, specifier);
      if (problem !== undefined) violations.push(`${path} imports "${specifier}": ${problem}`);
    }
  }
  return violations;
}

/** The specifiers that a formatted source file imports, re-exports or loads. Comments hold none in column 0. */
export function importsOf(text: string): string[] {
  const statement = /^(?:import|export)\s+(?:type\s+)?(?:[\w$*\s{},]+\sfrom\s+)?"([^"]+)"/gm;
  const expression = /^(?!\s*(?:\/\/|\*)).*?\bimport\(\s*"([^"]+)"/gm;
  return [statement, expression].flatMap((pattern) => Array.from(text.matchAll(pattern), (match) => match[1] ?? ""));
}

function judgeRelative(path: string, specifier: string): string | undefined {
  const target = join(dirname(path), specifier);
  const root = rootOf(path);
  if (!target.startsWith(root)) return `it lies outside ${root}; import other packages by name`;
  const rule = roomRuleOf(path);
  if (rule === undefined) return undefined;
  const allowed = [rule.room, ...rule.mayImport];
  if (allowed.some((folder) => target.startsWith(rooms + folder))) return undefined;
  return `${rooms}${rule.room} may import ${allowed.join(", ")}`;
}

function judgeNamed(path: string, specifier: string): string | undefined {
  const [, name, subpath] = /^@loom-bridge\/([^/]+)(\/.*)?$/.exec(specifier) ?? [];
  if (name !== undefined) {
    const mayImport = packageRules.find(({ root }) => root.test(path))?.mayImport ?? [];
    if (!mayImport.includes(name))
      return `${rootOf(path)} may import ${mayImport.join(", ") || "none of our packages"}`;
    if (subpath?.startsWith("/src") || subpath?.startsWith("/dist")) return "import a public entry of the package";
  }
  const rule = roomRuleOf(path);
  const known = rule?.mustNotKnow.find((module) => specifier === module || specifier.startsWith(withSlash(module)));
  return known === undefined ? undefined : `${rooms}${rule?.room} must not know ${known}`;
}

function rootOf(path: string): string {
  const found = packageRules.map(({ root }) => root.exec(path)?.[0]).find((root) => root !== undefined);
  return found ?? unknownFolder(path);
}

function roomRuleOf(path: string): (typeof roomRules)[number] | undefined {
  const isInRoom = path.startsWith(rooms) && path.slice(rooms.length).includes("/");
  if (!isInRoom || /\.test[^/]*\.ts$/.test(path)) return undefined;
  return roomRules.find(({ room }) => path.startsWith(rooms + room)) ?? unknownFolder(path);
}

function unknownFolder(path: string): never {
  throw new Error(`${path} lies in no folder that scripts/boundaries.ts knows; add it there and in ARCHITECTURE.md`);
}

function withSlash(module: string): string {
  return module.endsWith("/") ? module : `${module}/`;
}
