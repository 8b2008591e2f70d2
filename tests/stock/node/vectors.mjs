// Lays out C2SP's age vectors: node vectors.mjs MODULES FOLDER
// Each becomes NAME.txt, the lines that say what must happen, and NAME.age, the file itself; where something of the
// payload may be given, NAME.plain is that, found with the vector's file key, and has the digest that the vector names.
import { createDecipheriv, createHash, hkdfSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { inflateSync } from "node:zlib";

const CHUNK = 65536 + 16;

function chunk(key, number, last, sealed) {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(number, 7);
    nonce[11] = last ? 1 : 0;
    const opening = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
    opening.setAuthTag(sealed.subarray(-16));
    try {
        return Buffer.concat([opening.update(sealed.subarray(0, -16)), opening.final()]);
    } catch {
        return null;
    }
}

// All chunks that are authentic, whether or not they are the last where they say so.
function plaintext(file, fileKey) {
    const head = file.indexOf("\n", file.indexOf("\n---") + 1) + 1;
    const key = Buffer.from(hkdfSync("sha256", fileKey, file.subarray(head, head + 16), "payload", 32));
    const given = [];
    for (let at = head + 16, number = 0; at + 16 <= file.length; at += CHUNK, number += 1) {
        const sealed = file.subarray(at, at + CHUNK);
        const more = sealed.length === CHUNK ? chunk(key, number, false, sealed) : null;
        const plain = more ?? chunk(key, number, true, sealed);
        if (plain === null || (plain.length === 0 && number > 0)) break;
        given.push(plain);
        if (more === null) break;
    }
    return Buffer.concat(given);
}

const [modules, folder] = process.argv.slice(2);
const vectors = await import(pathToFileURL(`${modules}/cctv-age/index.js`));
let count = 0;
for (const [name, bytes] of Object.entries(vectors)) {
    const vector = Buffer.from(bytes);
    const end = vector.indexOf("\n\n");
    const head = vector.subarray(0, end).toString("utf8");
    const field = (wanted) => new RegExp(`^${wanted}: (.*)$`, "m").exec(head)?.[1];
    const body = vector.subarray(end + 2);
    const packed = field("compressed");
    if (packed && packed !== "zlib") throw new Error(`${name}: compressed with ${packed}`);
    const file = packed ? inflateSync(body) : body;
    writeFileSync(`${folder}/${name}.txt`, `${head}\n`);
    writeFileSync(`${folder}/${name}.age`, file);
    const digest = field("payload");
    if (digest && !field("armored")) {
        const plain = plaintext(file, Buffer.from(field("file key"), "hex"));
        const found = createHash("sha256").update(plain).digest("hex");
        if (found !== digest) throw new Error(`${name}: its payload has the digest ${found}`);
        writeFileSync(`${folder}/${name}.plain`, plain);
    }
    count += 1;
}
console.log(count);
