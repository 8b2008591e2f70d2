// The age of npm, as a command: node age.mjs MODULES generate classical|hybrid FILE
//                               node age.mjs MODULES encrypt RECIPIENT IN OUT
//                               node age.mjs MODULES decrypt IDENTITY-FILE IN OUT
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, verb, key, from, to] = process.argv.slice(2);
const age = await import(pathToFileURL(`${modules}/age-encryption/dist/index.js`));

if (verb === "generate") {
    const make = { classical: age.generateX25519Identity, hybrid: age.generateHybridIdentity }[key];
    const identity = await make();
    writeFileSync(from, `${identity}\n`);
    console.log(await age.identityToRecipient(identity));
} else if (verb === "encrypt") {
    const encrypter = new age.Encrypter();
    for (const recipient of key.split(",")) encrypter.addRecipient(recipient);
    writeFileSync(to, await encrypter.encrypt(readFileSync(from)));
} else if (verb === "decrypt") {
    const decrypter = new age.Decrypter();
    for (const line of readFileSync(key, "utf8").split("\n")) {
        if (line.startsWith("AGE-SECRET-KEY-")) decrypter.addIdentity(line.trim());
    }
    writeFileSync(to, await decrypter.decrypt(readFileSync(from), "uint8array"));
} else {
    throw new Error(`no such verb: ${verb}`);
}
