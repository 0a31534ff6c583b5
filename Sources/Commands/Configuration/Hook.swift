internal import TokencertPlatform

/// A program of the user that tokencert runs at a certain time, by its name in the configuration file.
enum Hook: String, CaseIterable {
    /// Before an order is sent to a CA. It can refuse the order.
    case beforeOrder = "before-order"
    /// After a certificate was written and the token has proved its key.
    case afterIssue = "after-issue"
    case afterRenew = "after-renew"
    /// After a command that works on an order has failed.
    case onFailure = "on-failure"
    /// For a certificate that `expiring` lists.
    case onExpiring = "on-expiring"

    var place: String { "hooks.\(rawValue)" }
}

struct HookCommand {
    /// The program and its arguments, as the user wrote them; `~` is resolved.
    let text: String
    /// The same in words; empty if a profile turns the hook off.
    let words: [String]
    /// The profile that sets it, or nil if it is set outside of profiles.
    let profile: String?
}

extension ConfigurationFile {
    /// Reads the object `hooks` of the file or of a profile. Each of its members overrides one.
    mutating func readHooks(_ value: JSONValue, ofProfile profile: String?) throws {
        guard case .members(let members) = value else {
            throw Self.invalid("\"hooks\" in \(path) must be a JSON object", [Self.example])
        }
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            guard let hook = Hook(rawValue: name) else { throw unknownHook(name) }
            let title = "\"\(hook.place)\" in \(path)"
            guard case .text(let text) = value else {
                throw Self.invalid("\(title) must be a string in quotation marks", [Self.example])
            }
            if text.isEmpty, profile != nil {
                hooks[hook] = HookCommand(text: "", words: [], profile: profile)
                continue
            }
            guard !Content.text(text).isBlank else {
                throw Self.invalid(
                    "\(title) is empty",
                    ["set a command, or remove it from the file; only a profile can turn it off"])
            }
            hooks[hook] = try hookCommand(text, title, profile)
        }
    }

    private func hookCommand(
        _ text: String, _ title: String, _ profile: String?
    ) throws -> HookCommand {
        guard TokencertPlatform.words(ofCommand: text) != nil else {
            throw Self.invalid(
                "\(title) has no program, or a quotation mark is not closed",
                ["use \"PROGRAM ARGUMENT...\"; no shell runs"])
        }
        // Otherwise "check && false" would allow an order whatever the shell would have done.
        if let found = shellOperator(inCommand: text) {
            throw Self.invalid(
                "\(title) has \(found) outside quotation marks, but no shell runs",
                [
                    "to have a shell run it: sh -c '...'",
                    "to pass it to the program, put it into quotation marks: '\(found)'",
                ])
        }
        // The same paths are allowed as for a command that prints a PIN.
        let scheme = "command:"
        let resolved = try standing(
            scheme + text, as: .source, status: .configuration, place: title)
        let command = String(resolved.dropFirst(scheme.count))
        guard let words = TokencertPlatform.words(ofCommand: command) else {
            throw Self.invalid("\(title) has no program", [Self.example])
        }
        return HookCommand(text: command, words: words, profile: profile)
    }

    private func unknownHook(_ name: String) -> Failure {
        let names = Hook.allCases.map(\.rawValue)
        return Self.invalid(
            "\"\(name)\" in \(path) is not a hook",
            suggestions(for: name, among: names).map { "did you mean \($0)?" }
                + ["use one of " + names.joined(separator: ", ")])
    }
}
