internal import Cryptoki
internal import TokencertTokens

/// Checks the tokens and the states of their PINs.
struct TokenChecks {
    let modules: [Module]
    let profiles: [TokenProfile]
    /// The options that select a token.
    let choices: [TokenChoice]

    func look(_ doctorReport: inout DoctorReport) {
        let area = "tokens"
        var places: [String: [String]] = [:]
        var empty = 0
        var others: [String] = []
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
            for slot in slots {
                do throws(CryptokiError) {
                    let token = try slot.token()
                    guard token.info.flags.contains(.tokenInitialized) else {
                        empty += 1
                        continue
                    }
                    guard try choices.fit(token) else {
                        others.append(token.info.label)
                        continue
                    }
                    let report = try TokenReport(token)
                    // The same URI in another module is the same token; in the same module it is
                    // another token.
                    let paths = places[report.uri, default: []]
                    if paths.isEmpty || paths.contains(module.path) {
                        tell(report, token, &doctorReport)
                    }
                    if !paths.contains(module.path) {
                        places[report.uri, default: []].append(module.path)
                    }
                } catch {
                    doctorReport.fail(
                        area, "cannot read a token of \(module.path): \(error)",
                        ["remove the token and insert it again"])
                }
            }
        }
        for (uri, paths) in places.sorted(by: { $0.key < $1.key }) where paths.count > 1 {
            doctorReport.warn(
                area, "one token is visible through \(paths.count) modules: \(quoted(uri))",
                paths.map { path in
                    let module = modules.first { $0.path == path }
                    return "to select one: \(module?.options ?? "--module \(quoted(path))")"
                })
        }
        guard places.isEmpty, !modules.isEmpty else { return }
        guard others.isEmpty else {
            doctorReport.warn(
                area, "no token matches the selection",
                others.map { "available: --token \(quoted($0))" }
                    + ["to see where the token is selected: tokencert config"])
            return
        }
        doctorReport.warn(
            area, empty == 0 ? "no token found" : "no token is set up",
            empty == 0
                ? ["insert the token; to see which tokens are present: tokencert tokens"]
                : ["to set one up: tokencert token init --label NAME"])
    }

    private func tell(
        _ token: TokenReport, _ found: Token, _ doctorReport: inout DoctorReport
    ) {
        let place = "\(found.module.options) --token \(quoted(token.uri))"
        let tool = profiles.first { $0.matches(found) }?.newPINTool
        let area = "tokens"
        let name = "\"\(token.label)\" (\(token.model), serial \(token.serialNumber))"
        let state = token.state.joined(separator: ", ")
        if token.isPINLocked {
            doctorReport.fail(
                area, "\(name): \(state)",
                [
                    tool.map { "to set a new PIN: \($0)" }
                        ?? "to set a new PIN with the SO PIN: tokencert token unblock \(place)"
                ])
        } else if token.isPINFinalTry {
            doctorReport.warn(
                area, "\(name): \(state)",
                ["make sure that you know the PIN: another wrong one locks it"])
        } else if token.needsLogin, !token.isPINSet {
            doctorReport.warn(
                area, "\(name): \(state)",
                ["to set a PIN: tokencert token set-pin \(place)"])
        } else if token.isWriteProtected || token.isPINToBeChanged {
            doctorReport.warn(
                area, "\(name): \(state)",
                [
                    token.isWriteProtected
                        ? "remove the write protection: no key or certificate can be added"
                        : "to change it: tokencert token change-pin \(place)"
                ])
        } else {
            doctorReport.ok(area, "\(name): \(state)")
        }
    }
}
