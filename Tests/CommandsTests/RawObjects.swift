import Foundation
import Testing
import TokencertTestSupport

/// Objects of other programs and cards that pkcs11-tool cannot write.
struct RawObject {
    private var attributes: [UInt: [UInt8]] = [:]

    /// A certificate object; `type` is CKA_CERTIFICATE_TYPE, which is X.509 by default.
    static func certificate(
        _ value: [UInt8]?, label: [UInt8]? = nil, id: [UInt8]? = nil, type: UInt = 0,
        url: String? = nil, isDestroyable: Bool = true
    ) -> RawObject {
        var object = RawObject()
        object.attributes = [
            0x0: number(1), 0x1: [1], 0x2: [0], 0x80: number(type), 0x101: [0x30, 0x00],
        ]
        object.attributes[0x11] = value ?? []
        if !isDestroyable { object.attributes[0x172] = [0] }
        object.attributes[0x3] = label
        object.attributes[0x102] = id
        if let url {
            object.attributes[0x89] = Array(url.utf8)
            // The hashes of the public keys of subject and issuer.
            for type: UInt in [0x8A, 0x8B] {
                object.attributes[type] = [UInt8](repeating: 1, count: 20)
            }
        }
        return object
    }

    /// Converts a certificate from PEM to DER.
    static func der(of pem: String) throws -> [UInt8] {
        let lines = pem.split(separator: "\n").filter { !$0.hasPrefix("-----") }
        return Array(try #require(Data(base64Encoded: lines.joined())))
    }

    private static func number(_ number: UInt) -> [UInt8] {
        (0..<UInt.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    fileprivate var json: String {
        let parts = attributes.map { type, value in
            "\"\(type)\": \"\(value.map { String(format: "%02x", $0) }.joined())\""
        }
        return "{\(parts.joined(separator: ", "))}"
    }
}

extension ThrowawayToken {
    /// Writes an object directly through SoftHSM2.
    func write(_ object: RawObject) throws {
        let outcome = try run(
            "python3", ["-c", Self.script, softHSMModule, label, object.json],
            environment: environment.merging(["PIN": pin]) { $1 })
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    private static let script = """
        import ctypes, json, os, sys
        number = ctypes.c_ulong
        class Attribute(ctypes.Structure):
            _fields_ = [("type", number), ("value", ctypes.c_void_p), ("length", number)]
        module = ctypes.CDLL(sys.argv[1])
        def call(name, *arguments):
            returned = getattr(module, name)(*arguments)
            if returned: sys.exit("%s: 0x%x" % (name, returned))
        call("C_Initialize", None)
        count, slots = number(16), (number * 16)()
        call("C_GetSlotList", ctypes.c_ubyte(1), slots, ctypes.byref(count))
        for slot in slots[:count.value]:
            info = ctypes.create_string_buffer(512)
            call("C_GetTokenInfo", number(slot), info)
            if info.raw[:32].rstrip() == sys.argv[2].encode(): break
        session, pin = number(), os.environ["PIN"].encode()
        call("C_OpenSession", number(slot), number(6), None, None, ctypes.byref(session))
        call("C_Login", session, number(1), pin, number(len(pin)))
        template = [(int(t), bytes.fromhex(v)) for t, v in json.loads(sys.argv[3]).items()]
        kept = [ctypes.create_string_buffer(v, max(len(v), 1)) for t, v in template]
        attributes = (Attribute * len(template))(*[
            Attribute(t, ctypes.cast(k, ctypes.c_void_p), len(v))
            for (t, v), k in zip(template, kept)])
        handle = number()
        call("C_CreateObject", session, attributes, number(len(template)), ctypes.byref(handle))
        call("C_Finalize", None)
        """
}

extension Bench {
    /// Issues a certificate, removes it from the token, and writes an object with its modified DER.
    /// Returns the certificate in PEM.
    @discardableResult
    func issue(
        label: String = "mail", id: String = "01", rewriting change: ([UInt8]) throws -> RawObject
    ) throws -> String {
        let issued = try tokencert([
            "issue", "--label", label, "--id", id, "--key-type", "rsa:2048", "--json",
        ])
        #expect(issued.status == 0, "\(issued.errors)")
        let pem = try #require(try issued.json().certificate("pem"))
        let removed = try token.pkcs11Tool(["--delete-object", "--type", "cert", "--id", id])
        #expect(removed.status == 0, "\(removed.errors)")
        try token.write(try change(try RawObject.der(of: pem)))
        return pem
    }

    /// The keys of `list`.
    func listedKeys() throws -> [[String: Any]] {
        let list = try tokencert(["list", "--json"])
        #expect(list.status == 0, "\(list.errors)")
        return try #require(try list.json()["keys"] as? [[String: Any]])
    }

    /// The certificates of `list`.
    func listedCertificates() throws -> [[String: Any]] {
        let list = try tokencert(["list", "--json"]).json()
        return try #require(list["certificates"] as? [[String: Any]])
    }

    /// The sorted kinds of the findings of `health`.
    func healthFindings(_ arguments: [String] = []) throws -> [String] {
        let findings =
            try tokencert(["health", "--json"] + arguments).json()["findings"] as? [[String: Any]]
        return (findings ?? []).compactMap { $0["kind"] as? String }.sorted()
    }
}
