internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

/// Checks the tokens and the states of their PINs.
struct TokenChecks {
    let modules: [Module]
    let profiles: [TokenProfile]
    /// The options that select a token.
    let choices: [TokenChoice]

    func look(_ doctorReport: inout DoctorReport) {
        let area = "tokens"
        var places: [String: (name: String, paths: [String])] = [:]
        var empty = 0
        var others: [Token] = []
        for module in modules {
            let slots: [Slot]
            do throws(CryptokiError) {
                slots = try module.slots(tokenPresent: true)
            } catch {
                doctorReport.fail(
                    area, "cannot list the slots of \(module.path): \(error)",
                    ["remove the token and insert it again"])
                continue
            }
            var present: [NamedToken] = []
            var seen: [(report: TokenReport, token: Token)] = []
            for slot in slots {
                do throws(CryptokiError) {
                    let token = try slot.token()
                    guard token.info.flags.contains(.tokenInitialized) else {
                        empty += 1
                        continue
                    }
                    if let named = NamedToken(token) { present.append(named) }
                    guard try choices.fit(token) else {
                        others.append(token)
                        continue
                    }
                    seen.append((report: try TokenReport(token), token: token))
                } catch {
                    doctorReport.fail(
                        area, "cannot read a token of \(module.path): \(error)",
                        ["remove the token and insert it again"])
                }
            }
            for (report, token) in seen {
                // The same URI in another module is the same token; in the same module it is
                // another token.
                let paths = places[report.uri]?.paths ?? []
                if paths.isEmpty || paths.contains(module.path) {
                    tell(report, token, present, &doctorReport)
                }
                if !paths.contains(module.path) {
                    places[report.uri] = (
                        name: Self.name(report), paths: paths + [module.path]
                    )
                }
            }
        }
        for (_, place) in places.sorted(by: { $0.key < $1.key }) where place.paths.count > 1 {
            doctorReport.warn(
                area, "one token is visible through \(place.paths.count) modules: \(place.name)",
                place.paths.map { path in
                    let module = modules.first { $0.path == path }
                    return "to select one: \(module?.options ?? "--module \(quoted(path))")"
                })
        }
        guard places.isEmpty, !modules.isEmpty else { return }
        guard others.isEmpty else {
            return doctorReport.warn(
                area, "no token matches the selection",
                several(others, as: "available")
                    + ["to see where the token is selected: tokencert config"])
        }
        doctorReport.warn(
            area, empty == 0 ? "no token found" : "no token is set up",
            empty == 0
                ? ["insert the token; to see which tokens are present: tokencert tokens"]
                : ["to set one up: tokencert token init --label NAME"])
    }

    /// Checks the record that is needed to send a PIN that is not typed.
    static func lookAtRefusedPINs(inFolder folder: String, _ doctorReport: inout DoctorReport) {
        do throws(RefusedPINsError) {
            try RefusedPINs.requireUsable(inFolder: folder)
        } catch {
            let reason =
                switch error {
                case .unreadable(_, let text, _), .notWritten(let text, _): text
                case .refusedBefore, .triedBefore: "\(error)"
                }
            doctorReport.fail(
                "tokens",
                "only PINs that are typed are sent: the record of refused PINs cannot be used: \(reason)",
                Failure(error).hints)
        }
    }

    private static func name(_ token: TokenReport) -> String {
        "\"\(token.label)\" (\(token.model), serial \(token.serialNumber))"
    }

    private func tell(
        _ token: TokenReport, _ found: Token, _ present: [NamedToken],
        _ doctorReport: inout DoctorReport
    ) {
        let option = NamedToken(found)?.option(among: present) ?? "--token \(quoted(token.uri))"
        let place = "\(found.module.options) \(option)"
        let tool = profiles.first { $0.matches(found) }?.newPINTool
        let area = "tokens"
        let message = "\(Self.name(token)): \(token.state.joined(separator: ", "))"
        if token.isPINLocked {
            let advice =
                tool.map { "to set a new PIN: \($0)" }
                ?? "to set a new PIN with the SO PIN: tokencert token unblock \(place)"
            return doctorReport.fail(area, message, [advice])
        }
        let advice: String? =
            if token.isPINFinalTry {
                "make sure that you know the PIN: another wrong one locks it"
            } else if token.needsLogin, !token.isPINSet {
                "to set a PIN: tokencert token set-pin \(place)"
            } else if token.isWriteProtected {
                "remove the write protection: no key or certificate can be added"
            } else if token.isPINToBeChanged {
                "to change it: tokencert token change-pin \(place)"
            } else {
                nil
            }
        if let advice {
            doctorReport.warn(area, message, [advice])
        } else {
            doctorReport.ok(area, message)
        }
    }
}
