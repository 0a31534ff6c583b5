internal import FoundationEssentials

/// The accounts of the stand-in, a JSON file that you can edit.
package struct AccountsFile: Codable, Sendable {
    package var accounts: [Account]

    package init(accounts: [Account]) {
        self.accounts = accounts
    }

    package init(path: String) throws(StandInError) {
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            self = try JSONDecoder().decode(AccountsFile.self, from: data)
        } catch {
            throw StandInError("cannot read the accounts file \(path): \(error)")
        }
    }

    /// The file's text.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Encoding strings, numbers and Booleans never fails.
        let data = (try? encoder.encode(self)) ?? Data()
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// A file with an example account.
    package static func example(password: String) -> AccountsFile {
        AccountsFile(accounts: [
            Account(
                username: "anna@example.org", password: password, points: 100, codeSigning: true,
                emails: ["anna@example.org"],
                name: .init(first: "Anna", last: "Müller"))
        ])
    }

    /// The account with a user name and password. Like the database, it ignores case and trailing
    /// blanks in the user name.
    func account(username: String, password: String) -> Account? {
        accounts.first {
            Self.folded($0.username) == Self.folded(username)
                && $0.password.utf8.elementsEqual(password.utf8)
        }
    }

    /// The form in which user names are compared.
    static func folded(_ username: String) -> String {
        var name = username[...]
        while name.last == " " { name = name.dropLast() }
        return name.lowercased()
    }
}

/// An error of the stand-in.
package struct StandInError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
