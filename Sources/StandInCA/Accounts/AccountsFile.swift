internal import FoundationEssentials

/// The accounts that the stand-in knows: a JSON file that people can read and change.
package struct AccountsFile: Codable, Sendable {
    /// The accounts.
    package var accounts: [Account]

    /// Makes a list of accounts.
    package init(accounts: [Account]) {
        self.accounts = accounts
    }

    /// Reads the file.
    ///
    /// - Throws: ``StandInError`` with what is wrong and where.
    package init(path: String) throws(StandInError) {
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            self = try JSONDecoder().decode(AccountsFile.self, from: data)
        } catch {
            throw StandInError("accounts file \(path): \(error)")
        }
    }

    /// The file's text.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // A value of strings and numbers always has a JSON form.
        let data = (try? encoder.encode(self)) ?? Data()
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// An account to begin with.
    package static func example(password: String) -> AccountsFile {
        AccountsFile(accounts: [
            Account(
                username: "anna@example.org", password: password, points: 100, codeSigning: true,
                emails: ["anna@example.org"],
                name: .init(first: "Anna", last: "Müller"))
        ])
    }

    /// The account of a user name. As in the database, the comparison ignores case and trailing
    /// blanks.
    func account(username: String, password: String) -> Account? {
        accounts.first {
            Self.folded($0.username) == Self.folded(username)
                && $0.password.utf8.elementsEqual(password.utf8)
        }
    }

    private static func folded(_ username: String) -> String {
        var name = username[...]
        while name.last == " " { name = name.dropLast() }
        return name.lowercased()
    }
}

/// Why the stand-in cannot do its work.
package struct StandInError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, for a person to read.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
