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
let key = try HostPrivateKey.generate(.ec(.p256))
let uri = try PKCS11URI(parsing: "pkcs11:token=work")
print(
    "\(module.info.libraryDescription): \(try module.slots(tokenPresent: false).count) slots,",
    "\(uri), \(secret.count) bytes, a key of kind \(key.publicKey.kind)",
    [nameCommands, nameFiles, nameLedger, nameSecrets, nameTerminal])
