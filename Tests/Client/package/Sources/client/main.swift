import Commands
import Cryptoki
import Files
import Ledger
import OpenSSLX509
import Secrets
import Terminal
import TokencertPlatform

let module = try Module.load(path: CommandLine.arguments[1])
let secret = Secret(copying: Array("1234".utf8))
let key = PublicKey(
    rsaModulus: [UInt8](repeating: 0xC5, count: 256), publicExponent: [1, 0, 1])
let draft = try CertificateRequestDraft(
    publicKey: key, subject: [NameAttribute(.commonName, "client")], extensions: [])
let uri = try PKCS11URI(parsing: "pkcs11:token=work")
print(
    "\(module.info.libraryDescription): \(try module.slots(tokenPresent: false).count) slots,",
    "\(uri), \(secret.count) bytes, \(draft.toBeSigned.count) bytes for a key of kind \(key.kind)",
    [nameCommands, nameFiles, nameLedger, nameSecrets, nameTerminal])
