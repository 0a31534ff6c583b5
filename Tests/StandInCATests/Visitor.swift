import Foundation
import TokencertTestSupport

/// A member with a browser: curl with a file for cookies.
struct Visitor {
    let ca: StandIn
    let folder: TemporaryFolder

    init(_ ca: StandIn) throws {
        self.ca = ca
        folder = try TemporaryFolder()
    }

    /// A response: its status, its headers in lower case, and its body.
    struct Page {
        let status: Int
        let headers: String
        let body: String

        /// The value of a header; nil if it is absent.
        func header(_ name: String) -> String? {
            headers.split(separator: "\r\n").first { $0.hasPrefix(name + ": ") }
                .map { String($0.dropFirst(name.count + 2)) }
        }

        /// The rows of the table, after the header row.
        var rows: [Row] {
            body.components(separatedBy: "<tr>").dropFirst(2).map { row in
                Row(cells: row.components(separatedBy: "<td").dropFirst().map(Row.content))
            }
        }
    }

    /// A row of a table. A cell that is absent is empty.
    struct Row {
        let cells: [String]

        subscript(_ index: Int) -> String { index < cells.count ? cells[index] : "" }

        /// The content of a cell, from the text after `<td`.
        static func content(_ cell: String) -> String {
            let content = cell.drop { $0 != ">" }.dropFirst()
            return content.components(separatedBy: "</td>").first ?? ""
        }
    }

    func open(_ page: String, _ fields: [String] = [], _ options: [String] = []) throws -> Page {
        // Without headers, curl does not touch the file of the previous request.
        try? FileManager.default.removeItem(atPath: folder.file("head"))
        let outcome = try run(
            "curl",
            [
                "-s", "--cacert", ca.rootFile, "-b", folder.file("jar"), "-c", folder.file("jar"),
                "-D", folder.file("head"), ca.url + "/" + page,
            ] + options + fields.flatMap { ["--data-urlencode", $0] })
        let head = (try? folder.read("head")) ?? ""
        return Page(
            status: Int(head.split(separator: " ").dropFirst().first ?? "") ?? -1,
            headers: head.lowercased(), body: outcome.output)
    }

    func login(
        _ username: String = "anna@example.org", _ password: String = StandIn.password
    ) throws -> Page {
        try open(
            "index.php",
            ["id=4", "oldid=4", "email=\(username)", "pword=\(password)", "process=Login"])
    }

    /// Orders a certificate through the API, and returns the answer.
    func order(
        _ username: String = "anna@example.org", _ request: TemporaryFolder = Visitor.key
    ) throws -> String {
        try run(
            "curl",
            ["-s", "--cacert", ca.rootFile, ca.url + "/api/ccsr.php"]
                + [
                    "username=\(username)", "password=\(StandIn.password)",
                    "email[0]=\(username)", "optionalCSR@\(request.file("request.pem"))",
                ].flatMap { ["--data-urlencode", $0] }
        ).output
    }

    func download(_ number: Int, _ format: String = "pem") throws -> Page {
        try open("account.php?id=6&cert=\(number)&format=\(format)")
    }

    func list(_ isComplete: Bool = false) throws -> [Row] {
        try open("account.php?id=5" + (isComplete ? "&viewall=1" : "")).rows
    }

    func revoke(_ fields: [String]) throws -> Page {
        try open("account.php", ["oldid=5", "revoke=Revoke"] + fields)
    }

    /// The public key of a certificate in PEM.
    func publicKey(_ certificate: String) throws -> String {
        try run("openssl", ["x509", "-noout", "-pubkey"], input: certificate).output
    }

    /// The serial number of a certificate in PEM.
    func serial(_ certificate: String) throws -> String {
        let output = try run("openssl", ["x509", "-noout", "-serial"], input: certificate).output
        return output.trimmingCharacters(in: .newlines).replacing("serial=", with: "")
    }

    static let key = newKey()

    /// A folder with a new key and a request.
    static func newKey() -> TemporaryFolder {
        do {
            let folder = try TemporaryFolder()
            try run(
                "openssl",
                [
                    "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ignored", "-keyout",
                    folder.file("key.pem"), "-out", folder.file("request.pem"),
                ])
            return folder
        } catch {
            preconditionFailure("cannot create a request: \(error)")
        }
    }
}
