internal import Cryptoki
internal import TokencertTokens

/// Whether there are tokens, and in what state their PINs are.
struct TokenChecks {
    let modules: [Module]
    /// What is known of tokens besides what they say.
    let profiles: [TokenProfile]
    /// What was said about the token, where only one is meant.
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
                    area, "\(module.path) does not tell its slots: \(error)",
                    ["take the token out and put it in again"])
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
                    // Through another module it is one that was told of; in the same it is a twin.
                    let paths = places[report.uri, default: []]
                    if paths.isEmpty || paths.contains(module.path) {
                        tell(report, token, &doctorReport)
                    }
                    if !paths.contains(module.path) {
                        places[report.uri, default: []].append(module.path)
                    }
                } catch {
                    doctorReport.fail(
                        area, "a token of \(module.path) cannot be read: \(error)",
                        ["take the token out and put it in again"])
                }
            }
        }
        for (uri, paths) in places.sorted(by: { $0.key < $1.key }) where paths.count > 1 {
            doctorReport.warn(
                area, "one token is seen through \(paths.count) modules: \(quoted(uri))",
                paths.map { path in
                    let module = modules.first { $0.path == path }
                    return "to say which: \(module?.options ?? "--module \(quoted(path))")"
                })
        }
        guard places.isEmpty, !modules.isEmpty else { return }
        guard others.isEmpty else {
            doctorReport.warn(
                area, "no token is the one that is named",
                others.map { "there is: --token \(quoted($0))" }
                    + ["tokencert config shows where it is named"])
            return
        }
        doctorReport.warn(
            area, empty == 0 ? "no token is there" : "no token is set up",
            empty == 0
                ? ["put it in; tokencert tokens shows what is seen"]
                : ["tokencert token init --label NAME sets one up"])
    }

    private func tell(
        _ token: TokenReport, _ found: Token, _ doctorReport: inout DoctorReport
    ) {
        let place = "\(found.module.options) --token \(quoted(token.uri))"
        let tool = profiles.first { $0.matches(found) }?.newPINTool
        let area = "tokens"
        let name = "“\(token.label)” (\(token.model), serial \(token.serialNumber))"
        let state = token.state.joined(separator: ", ")
        if token.isPINLocked {
            doctorReport.fail(
                area, "\(name): \(state)",
                [
                    tool.map { "\($0) sets a new PIN" }
                        ?? "tokencert token unblock \(place) sets a new PIN with the SO PIN"
                ])
        } else if token.isPINFinalTry {
            doctorReport.warn(
                area, "\(name): \(state)", ["be sure of the PIN: one more wrong one locks it"])
        } else if token.needsLogin, !token.isPINSet {
            doctorReport.warn(
                area, "\(name): \(state)",
                ["tokencert token set-pin \(place) gives it one"])
        } else if token.isWriteProtected || token.isPINToBeChanged {
            doctorReport.warn(
                area, "\(name): \(state)",
                [
                    token.isWriteProtected
                        ? "no key and no certificate can be put onto it"
                        : "tokencert token change-pin \(place)"
                ])
        } else {
            doctorReport.ok(area, "\(name): \(state)")
        }
    }
}
