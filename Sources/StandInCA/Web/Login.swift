internal import Synchronization

/// The login of the web site. It changes a password before it compares it, and refuses every login of
/// an account for five seconds after a failure.
final class Login: Sendable {
    enum Verdict: Sendable, Hashable {
        case loggedIn(Account)
        /// The password is right, but the member must accept the agreement first.
        case agreementRequired
        /// Unknown account, wrong password, locked account or a recent failure, which the server
        /// does not distinguish.
        case refused
    }

    private let accounts: AccountsFile
    /// The last failure of each user name.
    private let failures = Mutex<[String: ContinuousClock.Instant]>([:])

    init(accounts: AccountsFile) {
        self.accounts = accounts
    }

    func verdict(
        email: String, password: String, at now: ContinuousClock.Instant = .now
    ) -> Verdict {
        let username = AccountsFile.folded(PHPText.trimmed(email))
        let account = accounts.account(
            username: username,
            password: PHPText.withoutBackslashes(PHPText.trimmed(password)))
        let isBlocked = failures.withLock { failures in
            let isRecent = failures[username].map { $0.duration(to: now) < .seconds(5) } ?? false
            // A refused login is a failure, even if the password was right.
            if isRecent || account?.isLocked ?? true { failures[username] = now }
            return isRecent
        }
        guard let account, !account.isLocked, !isBlocked else { return .refused }
        return account.hasAcceptedAgreement ? .loggedIn(account) : .agreementRequired
    }

    /// The page with the form, after a failure with its text.
    static func page(hasFailed: Bool) -> HTML {
        let failure: HTML =
            hasFailed ? "<p>Incorrect email address and/or Pass Phrase.</p>\n" : ""
        return .page(
            "Login",
            """
            \(failure)<form method="post" action="index.php">
            Email Address: <input type="text" name="email"><br>
            Pass Phrase: <input type="password" name="pword" autocomplete="off"><br>
            <input type="hidden" name="id" value="4">
            <input type="hidden" name="oldid" value="4">
            <input type="submit" name="process" value="Login">
            </form>
            """)
    }
}

extension Account {
    /// The only page of the web account that this member can open: its number, and the query of the
    /// redirect. Nil if every page can be opened.
    var requiredPage: (number: String, query: String)? {
        if !hasQuestions { return ("13", "id=13") }
        return hasWeakPassphrase ? ("14", "id=14&force=1") : nil
    }
}
