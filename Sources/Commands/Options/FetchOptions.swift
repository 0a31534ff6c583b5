internal import ArgumentParser
internal import TokencertPlatform

/// Options for certificates that the CA issues after it has answered.
struct FetchOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "If the CA sends no certificate in time, log in to the account on its web site with the "
                + "same password and fetch the certificate."))
    var fetch = false

    @Option(
        help: ArgumentHelp(
            "How long to wait for such a certificate, such as 90s, 15m or 2h; default 2m.",
            valueName: "time"))
    var fetchFor: String?

    var isWanted: Bool { setting(fetch, .fetch) }

    /// How long to wait for a late certificate, in seconds; nil if late certificates are not fetched. At a
    /// terminal the user is asked once whether to log in at the CA's web site; later runs find the answer
    /// in the configuration file. A dry run fetches nothing, so it does not ask.
    func agreedWaitingTime(_ ca: CAOptions, isDryRun: Bool = false) throws -> Int? {
        let waitingTime = try seconds()
        guard isWanted else {
            guard fetchFor == nil else {
                throw Failure(
                    .usage, "--fetch-for requires --fetch", hints: ["add --fetch, or omit both"])
            }
            return nil
        }
        guard !isDryRun else { return nil }
        // A CA command has no web account.
        guard try ca.command() == nil else { return waitingTime }
        // Without the option, a setting is the agreement.
        guard !setting(false, .fetch), isTextWanted, isTerminal(0),
            Output.standardError.isTerminal
        else { return waitingTime }
        let site = printable(try ca.baseURL())
        let question =
            "The CA has an account for you on its web site, too: \(site)\n"
            + "May tokencert log in there with the same password, to fetch certificates that\n"
            + "the CA issues late? Nothing is ordered or changed there. If you agree, that holds\n"
            + "for every CA that you use, and tokencert adds fetch to the configuration file:\n"
            + "\(printable(ConfigurationFile.current.path))\n"
            + "Log in to fetch late certificates? [y/n] "
        Progress.shared.finish()
        // Without an answer, such as after a closed terminal, the user has not agreed.
        guard ["y", "yes"].contains(askAtTerminal(question)?.lowercased()) else {
            throw Failure(
                .usage, code: "notConfirmed",
                "you did not allow the use of the web account; nothing was done",
                hints: ["to continue without the web account, omit --fetch"])
        }
        remember(.fetch, .flag(true))
        return waitingTime
    }

    private func seconds() throws -> Int {
        guard let text = setting(fetchFor, .fetchFor) else { return 120 }
        guard let seconds = secondsOfTime(text), (0...86_400).contains(seconds) else {
            throw Failure(
                .usage, "--fetch-for must be a time of at most 24 hours, such as 90s, 15m or 2h",
                hints: ["use --fetch-for 15m"])
        }
        return seconds
    }
}

/// The seconds in a text such as `90s`, `15m` or `2h`; a number alone means seconds. Nil for any other
/// text.
func secondsOfTime(_ text: String) -> Int? {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    let digits = unit == nil ? text[...] : text.dropLast()
    guard !digits.isEmpty, digits.count < 8, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let number = Int(digits)
    else { return nil }
    return number * (unit ?? 1)
}
