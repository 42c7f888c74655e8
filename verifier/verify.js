// The verifier of proofs in a page: package proof, compiled to WebAssembly.
// docs/proofs.md says how to call it.
import "./wasm_exec.js";

const here = (name) => new URL(name, import.meta.url);

let started; // One for the page.

// verifier loads what it takes, once, and returns verify(bytes, trustJSON).
export function verifier() {
  started ??= start();
  return started;
}

async function start() {
  const [schemas, module] = await Promise.all([
    fetch(here("receipts.json")).then((answer) => answer.json()),
    fetch(here("verify.wasm")).then((answer) => answer.arrayBuffer()),
  ]);
  const go = new globalThis.Go();
  const { instance } = await WebAssembly.instantiate(module, go.importObject);
  go.run(instance); // It never ends.
  return (bytes, trust = "") => explain(globalThis.commonwattVerify(bytes, trust), schemas);
}

// explain puts what a bundle shows into words.
export function explain(result, schemas) {
  return { ...result, says: result.says.map((receipt) => explained(receipt, schemas)) };
}

function explained(receipt, schemas) {
  const kind = schemas.kinds[receipt.kind];
  const said = { ...receipt, name: `receipt ${receipt.kind}`, doc: "This page does not know what it says.", fields: receipt.body };
  if (kind === undefined) return said;
  try {
    return { ...said, name: kind.name, doc: kind.doc, fields: named(decode(bytesOf(receipt.body)), kind.type, schemas.types) };
  } catch {
    return said;
  }
}

export const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// named gives values their names and units, by their type.
function named(value, type, types) {
  if (value instanceof Uint8Array && type !== "bytes") return hexOf(value);
  if (type.startsWith("[]")) return value.map((one) => named(one, type.slice(2), types));
  if (type in types) {
    const fields = {};
    for (const { key, name, type: of } of types[type]) {
      const one = Array.isArray(value) ? value[key] : value.get(key);
      if (one !== undefined) fields[name] = named(one, of, types);
    }
    return fields;
  }
  switch (type) {
    case "time":
      return new Date(Number(value) * 1000).toISOString().replace(".000Z", "Z");
    case "energy":
      return `${value} Wh`;
    case "money":
      return `${value} units of the currency`;
    case "price":
      return `${value} units of the currency for a Wh`;
    case "bytes":
      return hexOf(value);
    case "number":
      return String(value);
  }
  return value;
}

// decode reads one CBOR item (RFC 8949), of the few kinds that receipts are made of.
// What is proven is canonical already.
export function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const argument = (low) => {
    if (low < 24) return BigInt(low);
    at += 1 << (low - 24);
    if (low === 24) return BigInt(view.getUint8(at - 1));
    if (low === 25) return BigInt(view.getUint16(at - 2));
    if (low === 26) return BigInt(view.getUint32(at - 4));
    if (low === 27) return view.getBigUint64(at - 8);
    throw new RangeError("not an argument");
  };
  const take = (count) => bytes.slice(at, (at += Number(count)));
  const item = () => {
    const first = view.getUint8(at++);
    const major = first >> 5;
    if (major === 7) {
      const simple = { 20: false, 21: true, 22: null };
      if (!(first % 32 in simple)) throw new RangeError("not a simple value");
      return simple[first % 32];
    }
    const n = argument(first % 32);
    switch (major) {
      case 0:
        return n;
      case 1:
        return -1n - n;
      case 2:
        return take(n);
      case 3:
        return new TextDecoder().decode(take(n));
      case 4:
        return Array.from({ length: Number(n) }, item);
      case 5: {
        const pairs = new Map();
        for (let i = 0; i < n; i++) {
          const key = item();
          pairs.set(typeof key === "bigint" ? Number(key) : key, item());
        }
        return pairs;
      }
    }
    throw new RangeError("not an item");
  };
  const value = item();
  if (at !== bytes.length) throw new RangeError("more than an item");
  return value;
}
