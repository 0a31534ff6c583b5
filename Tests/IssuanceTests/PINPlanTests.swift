import Testing
import TokencertPlatform

@testable import Cryptoki
@testable import TokencertIssuance
@testable import TokencertTokens

/// The rules for the PINs of a token, with a simulated token.
private struct Rules: PINRules {
    var token = DescribedToken()
    var roles: [UserType] = [.user]
    var isForSetUp = false
    var allowsLastTry = false

    var info: TokenInfo { token.info }
    var profile: TokenProfile? { token.profile }
}

/// The PINs that a job requires, and whether they are sent.
@Suite struct PINPlanTests {
    private static let ready: TokenFlags = [.loginRequired, .userPINInitialized]

    /// The error if the rules permit no PIN, or nil.
    private func refusal(_ rules: Rules) -> IssuanceError.Code? {
        do throws(IssuanceError) {
            try rules.requireUsable()
            return nil
        } catch {
            return error.code
        }
    }

    /// The error if no PIN is permitted after some were refused, or nil.
    private func refusal(
        _ rules: Rules, after refusals: Int, of role: UserType = .user
    ) -> IssuanceError.Code? {
        do throws(IssuanceError) {
            try rules.requireTriesLeft(of: role, afterRefusals: refusals)
            return nil
        } catch {
            return error.code
        }
    }

    // MARK: Roles

    // Otherwise the user would enter a needless PIN, or one would be missing during a job.
    @Test(
        "The security officer logs in for the operations in the profile, the user for all others")
    func roles() {
        let (user, officer) = (UserType.user, UserType.securityOfficer)
        let writers: [TokenProfile.Writer?] = [nil, .user, .securityOfficer, .nobody]
        for generates in writers {
            for writes in writers {
                let token = DescribedToken.with {
                    $0.generates = generates
                    $0.writes = writes
                }
                let place = "\(String(describing: generates)), \(String(describing: writes))"
                #expect(token.role(for: .read) == user, "\(place)")
                #expect(token.role(for: .sign) == user, "\(place)")
                let generator = generates == .securityOfficer ? officer : user
                #expect(token.role(for: .generate) == generator, "\(place)")
                let writer = writes == .securityOfficer ? officer : user
                #expect(token.role(for: .write) == writer, "\(place)")
            }
        }
        #expect(TokenOperation.allCases.count == 4)
    }

    @Test("Each PIN is required once, the user's PIN first")
    func order() {
        let (user, officer) = (UserType.user, UserType.securityOfficer)
        let token = DescribedToken.with {
            $0.generates = .securityOfficer
            $0.writes = .securityOfficer
        }
        let cases: [(Set<TokenOperation>, [UserType])] = [
            ([], []), ([.read], [user]), ([.sign, .read], [user]), ([.write], [officer]),
            ([.generate, .write], [officer]), ([.write, .read], [user, officer]),
            ([.read, .generate, .sign, .write], [user, officer]),
        ]
        for (operations, roles) in cases {
            #expect(token.roles(for: operations) == roles, "\(operations)")
            let all = DescribedToken().roles(for: operations)
            #expect(all == (operations.isEmpty ? [] : [user]), "\(operations)")
        }
    }

    @Test("PINs are required for roles that log in, if the token requires a login or is set up")
    func needed() {
        for (flags, isForSetUp, roles, isNeeded) in [
            (Self.ready, false, [.user], true), (Self.ready, false, [], false),
            ([.userPINInitialized], false, [.user], false), ([], false, [.securityOfficer], false),
            ([], true, [.securityOfficer], true), ([], true, [], false),
            (Self.ready, true, [.user, .securityOfficer], true),
        ] as [(TokenFlags, Bool, [UserType], Bool)] {
            let rules = Rules(
                token: DescribedToken(flags: flags), roles: roles, isForSetUp: isForSetUp)
            #expect(rules.needsPINs == isNeeded, "\(flags), \(isForSetUp), \(roles)")
            #expect(!rules.hasReaderKeys)
        }
        let reader = DescribedToken(flags: [.protectedAuthenticationPath])
        #expect(Rules(token: reader).hasReaderKeys && !Rules(token: reader).needsPINs)
    }

    // MARK: Flags

    /// A token flag, and its effect on the PIN of its role.
    private struct Case {
        let flag: TokenFlags
        let role: UserType
        /// The error for a job, or nil.
        var job: IssuanceError.Code?
        /// The error for setting up, or nil.
        var setUp: IssuanceError.Code?
        /// The error for a job if the last try is allowed, or nil.
        var lastTry: IssuanceError.Code?

        static func always(
            _ flag: TokenFlags, _ role: UserType, _ code: IssuanceError.Code?
        ) -> Case {
            Case(flag: flag, role: role, job: code, setUp: code, lastTry: code)
        }
    }

    private static let cases: [Case] = [
        .always(.userPINCountLow, .user, nil), .always(.soPINCountLow, .securityOfficer, nil),
        Case(flag: .userPINFinalTry, role: .user, job: .pinLastTry, setUp: .pinLastTry),
        Case(flag: .soPINFinalTry, role: .securityOfficer, job: .pinLastTry, setUp: .pinLastTry),
        .always(.userPINLocked, .user, .pinRefused),
        .always(.soPINLocked, .securityOfficer, .pinRefused),
        // A PIN that has to be changed can be changed.
        Case(flag: .userPINToBeChanged, role: .user, job: .pinExpired, lastTry: .pinExpired),
        Case(
            flag: .soPINToBeChanged, role: .securityOfficer, job: .pinExpired,
            lastTry: .pinExpired),
        // These flags are not about PINs.
        .always(.rng, .user, nil), .always(.writeProtected, .user, nil),
        .always(.tokenInitialized, .securityOfficer, nil),
        .always(.protectedAuthenticationPath, .user, nil),
    ]

    // Otherwise a PIN could lock the token, or a good PIN would not be sent.
    @Test("A PIN flag applies to its own role only")
    func flags() {
        for one in Self.cases {
            let place = "\(one.flag), \(one.role.rawValue)"
            let token = DescribedToken(flags: Self.ready.union(one.flag))
            var rules = Rules(token: token, roles: [one.role])
            #expect(refusal(rules) == one.job, "\(place)")
            rules.roles = [.user, .securityOfficer]
            #expect(refusal(rules) == one.job, "\(place)")
            rules.roles = [one.role]
            rules.allowsLastTry = true
            #expect(refusal(rules) == one.lastTry, "\(place)")
            rules.allowsLastTry = false
            rules.isForSetUp = true
            #expect(refusal(rules) == one.setUp, "\(place)")
            rules.roles = [one.role == .user ? .securityOfficer : .user]
            #expect(refusal(rules) == nil, "\(place)")
            rules.isForSetUp = false
            #expect(refusal(rules) == nil, "\(place)")
            rules.roles = []
            #expect(refusal(rules) == nil, "\(place)")
        }
    }

    @Test("The user's PIN has to be set; the security officer's PIN needs no flag")
    func notSet() {
        var rules = Rules(token: DescribedToken(flags: [.loginRequired]))
        #expect(refusal(rules) == .tokenNotWritable)
        rules.allowsLastTry = true
        #expect(refusal(rules) == .tokenNotWritable)
        rules.isForSetUp = true
        #expect(refusal(rules) == .tokenNotWritable)
        rules.roles = [.securityOfficer]
        #expect(refusal(rules) == nil)
        rules.isForSetUp = false
        #expect(refusal(rules) == nil)
    }

    @Test("A token without a required login is used despite its PIN flags, but not set up")
    func noLogin() {
        let flags: TokenFlags = [.userPINLocked, .userPINFinalTry, .userPINToBeChanged]
        var rules = Rules(token: DescribedToken(flags: flags.union(.userPINInitialized)))
        #expect(refusal(rules) == nil)
        rules.isForSetUp = true
        #expect(refusal(rules) == .pinRefused)
        rules.token.flags = []
        #expect(refusal(rules) == .tokenNotWritable)
        rules.isForSetUp = false
        #expect(refusal(rules) == nil)
    }

    @Test("The reason names the PIN that is locked, expired or about to be locked")
    func reasons() throws {
        func reason(_ flag: TokenFlags, _ role: UserType) throws -> String {
            let rules = Rules(
                token: DescribedToken(flags: Self.ready.union(flag)), roles: [role])
            let error = try #require(throws: IssuanceError.self) { try rules.requireUsable() }
            #expect(error.step == .plan)
            return error.reason
        }
        let officer = UserType.securityOfficer
        #expect(try reason(.userPINLocked, .user) == "the token's PIN is locked")
        #expect(
            try reason(.soPINLocked, officer) == "the token's security officer's PIN is locked")
        #expect(
            try reason(.userPINFinalTry, .user)
                == "one more wrong PIN locks the token; no PIN was sent")
        #expect(
            try reason(.soPINFinalTry, officer)
                == "one more wrong security officer's PIN locks the token; no PIN was sent")
        #expect(
            try reason(.userPINToBeChanged, .user)
                == "the token's PIN must be changed before it can be used")
        #expect(
            try reason(.soPINToBeChanged, officer)
                == "the token's security officer's PIN must be changed before it can be used")
    }

    // MARK: Tries

    private func rules(
        tries: Int?, together: Bool?, _ flags: TokenFlags = [], allowsLastTry: Bool = false
    ) -> Rules {
        var token = DescribedToken.with {
            $0.pinTries = tries
            $0.countsPINsTogether = together
        }
        token.flags.formUnion(flags)
        return Rules(
            token: token, roles: [.user, .securityOfficer], allowsLastTry: allowsLastTry)
    }

    // Otherwise the user would not know that the next wrong PIN locks the token.
    @Test("The remark on the tries left comes from the flags, otherwise from the profile")
    func triesLeft() {
        let officer = UserType.securityOfficer
        let wasWrong = "wrong PIN sent before"
        let three = "3 wrong PINs lock the token"
        let cases: [(Rules, UserType, Int, String?)] = [
            (Rules(), .user, 0, nil), (Rules(), officer, 5, nil),
            (rules(tries: nil, together: true), .user, 5, nil),
            // Each flag applies to one role.
            (rules(tries: 3, together: true, .userPINFinalTry), .user, 0, "last try"),
            (rules(tries: 3, together: true, .userPINFinalTry), officer, 0, three),
            (rules(tries: nil, together: nil, .soPINFinalTry), officer, 0, "last try"),
            (rules(tries: nil, together: nil, .soPINFinalTry), .user, 0, nil),
            (rules(tries: 3, together: nil, .userPINCountLow), .user, 0, wasWrong),
            (rules(tries: nil, together: nil, .soPINCountLow), officer, 0, wasWrong),
            (rules(tries: nil, together: nil, .soPINCountLow), .user, 0, nil),
            (
                rules(tries: nil, together: nil, [.userPINCountLow, .userPINFinalTry]), .user, 0,
                "last try"
            ),
            // Each PIN has its own tries.
            (rules(tries: 3, together: nil), .user, 0, three),
            (rules(tries: 3, together: false), .user, 2, "last try"),
            (rules(tries: 3, together: nil), officer, 0, nil),
            (rules(tries: 3, together: nil), officer, 1, "2 wrong PINs lock the token"),
            // Both PINs count together.
            (rules(tries: 3, together: true), .user, 0, three),
            (rules(tries: 3, together: true), officer, 0, three),
            (rules(tries: 3, together: true), .user, 1, "2 wrong PINs lock the token"),
            (rules(tries: 3, together: true), officer, 2, "last try"),
            (rules(tries: 3, together: true), .user, 3, "last try"),
            (rules(tries: 3, together: true), .user, 9, "last try"),
            (rules(tries: 1, together: true), .user, 0, "last try"),
        ]
        for (index, (rules, role, refusals, expected)) in cases.enumerated() {
            let text = rules.triesLeft(of: role, afterRefusals: refusals)
            #expect(text == expected, "case \(index)")
        }
    }

    @Test("No PIN is sent before the last try of a token whose flags do not show it")
    func refusals() throws {
        let cases: [(tries: Int?, together: Bool?, refusals: Int, isStopped: Bool)] = [
            (3, true, 0, false), (3, true, 1, false), (3, true, 2, true), (3, true, 3, true),
            (3, true, 9, true), (3, false, 1, false), (3, false, 2, true), (3, nil, 9, true),
            (nil, true, 9, false), (nil, nil, 9, false), (2, true, 0, false), (2, true, 1, true),
            // The first PIN can always be sent.
            (1, true, 0, false), (1, true, 1, true), (15, true, 13, false), (15, true, 14, true),
        ]
        for (tries, together, refusals, isStopped) in cases {
            let place = "\(tries ?? -1), \(together ?? false), \(refusals)"
            let strict = rules(tries: tries, together: together)
            let stopped = refusal(strict, after: refusals)
            #expect(stopped == (isStopped ? .pinLastTry : nil), "\(place)")
            let bold = rules(tries: tries, together: together, allowsLastTry: true)
            #expect(refusal(bold, after: refusals) == nil, "\(place)")
        }
        // Without a profile, a token that shows nothing is assumed to lock after three wrong PINs.
        #expect(refusal(Rules(), after: 1) == nil)
        #expect(refusal(Rules(), after: 2) == .pinLastTry)
        var shown = DescribedToken(flags: Self.ready)
        shown.flags.insert(.userPINCountLow)
        let both = Rules(token: shown, roles: [.user, .securityOfficer])
        #expect(refusal(both, after: 9) == nil)
        #expect(refusal(both, after: 2, of: .securityOfficer) == .pinLastTry)
        let error = try #require(throws: IssuanceError.self) {
            try rules(tries: 3, together: true).requireTriesLeft(
                of: .user, afterRefusals: 2)
        }
        #expect(error.reason.hasPrefix("2 wrong PINs were sent") && error.step == .plan)
    }

    // Otherwise a user who mistypes the PIN twice would lock the card.
    @Test("Another PIN is asked for only if the token reports that tries are left")
    func askingAgain() {
        let cases: [(UserType, TokenFlags, TokenFlags, TokenFlags)] = [
            (.user, .userPINCountLow, .userPINFinalTry, .userPINLocked),
            (.securityOfficer, .soPINCountLow, .soPINFinalTry, .soPINLocked),
        ]
        func may(
            _ role: UserType, _ flags: TokenFlags, refusals: Int = 1,
            before: DescribedToken = DescribedToken(flags: Self.ready)
        ) -> Bool {
            let now = DescribedToken(flags: Self.ready.union(flags)).info
            return Rules(token: before).mayAskAgain(for: role, now, afterRefusals: refusals)
        }
        for (role, low, final, locked) in cases {
            let other: UserType = role == .user ? .securityOfficer : .user
            #expect(may(role, low))
            #expect(!may(role, low, refusals: 2))
            // A token that sets no flags does not report how many tries are left.
            #expect(!may(role, []) && !may(other, low))
            #expect(!may(role, [low, final]) && !may(role, final))
            #expect(!may(role, [low, locked]) && !may(role, locked))
            // Wrong PINs that were sent before this run count, too.
            let earlier = DescribedToken(flags: Self.ready.union(low))
            #expect(!may(role, low, before: earlier))
            for (tries, isAsked) in [(1, false), (2, false), (3, true), (15, true)] {
                var known = DescribedToken.with { $0.pinTries = tries }
                known.flags = Self.ready
                #expect(may(role, low, before: known) == isAsked, "\(tries)")
            }
        }
    }

    // MARK: The form of a PIN

    private func code(_ rules: Rules, _ pin: String, _ role: UserType) -> IssuanceError.Code? {
        let secret = Secret(copying: Array(pin.utf8))
        do throws(IssuanceError) {
            try rules.requirePossible(secret, of: role)
            return nil
        } catch {
            return error.code
        }
    }

    // Otherwise a PIN that cannot be right would cost a try.
    @Test("A user's PIN is sent only if its length is within the token's limits, inclusive")
    func lengths() {
        let cases: [(least: Int, most: Int, count: Int, isSent: Bool)] = [
            (4, 8, 3, false), (4, 8, 4, true), (4, 8, 8, true), (4, 8, 9, false),
            (6, 6, 5, false), (6, 6, 6, true), (6, 6, 7, false), (0, Int.max, 0, true),
            (4, Int.max, 3, false), (4, Int.max, 200, true),
        ]
        for (least, most, count, isSent) in cases {
            let pin = String(repeating: "é", count: count / 2) + (count % 2 == 1 ? "1" : "")
            let rules = Rules(token: DescribedToken(pinLengths: least...most))
            let place = "\(least), \(most), \(count)"
            // Bytes count, not characters.
            #expect(pin.utf8.count == count)
            #expect(code(rules, pin, .user) == (isSent ? nil : .pinRefused), "\(place)")
            // The token's limits apply to the user's PIN only.
            #expect(code(rules, pin, .securityOfficer) == nil, "\(place)")
        }
    }

    @Test("The reason names the lengths that the token accepts")
    func lengthReasons() throws {
        for (lengths, form) in [(4...8, "4 to 8"), (6...Int.max, "at least 6")] {
            let rules = Rules(token: DescribedToken(pinLengths: lengths))
            let error = try #require(throws: IssuanceError.self) {
                try rules.requirePossible(Secret(copying: [0x31]), of: .user)
            }
            #expect(error.reason.hasPrefix("the token requires a PIN of \(form) bytes"))
        }
    }

    @Test("The form of a PIN is not checked if the program does not send it")
    func notSent() {
        let reader = DescribedToken(flags: Self.ready.union(.protectedAuthenticationPath))
        #expect(code(Rules(token: reader), "1", .user) == nil)
        #expect(code(Rules(token: DescribedToken(flags: [])), "1", .user) == nil)
        #expect(code(Rules(roles: []), "1", .user) == nil)
        #expect(code(Rules(token: DescribedToken(flags: []), isForSetUp: true), "1", .user) != nil)
        #expect(code(Rules(), "1", .user) == .pinRefused)
    }

    private func withKey(_ lengths: [Int]?, others: [Int]? = nil) -> DescribedToken {
        DescribedToken.with {
            $0.securityOfficerPIN = TokenProfile.SecurityOfficerPIN(
                name: "management key", hexadecimalDigits: lengths, otherLengths: others)
        }
    }

    @Test(
        "A key instead of the security officer's PIN has a permitted number of hexadecimal digits")
    func keys() {
        let officer = UserType.securityOfficer
        let digits = "0123456789abcdefABCDEF0123456789"
        #expect(digits.count == 32)
        let start = String(digits.dropLast())
        let longer = digits + "0123456789abcdef"
        var cases = [
            (digits, true), (longer, true), (start, false), ("\(digits)0", false), ("", false),
            ("12345678", false), ("g\(start)", false),
        ]
        // The characters next to the digits and letters.
        for end in ["g", "G", "/", ":", "@", "`", " "] { cases.append((start + end, false)) }
        for (pin, isSent) in cases {
            let rules = Rules(token: withKey([32, 48]), roles: [officer])
            #expect(code(rules, pin, officer) == (isSent ? nil : .pinRefused), "\(pin)")
            // A profile without a number of digits accepts every form.
            #expect(code(Rules(token: withKey(nil), roles: [officer]), pin, officer) == nil)
        }
        // The user's PIN keeps its own form.
        let both = Rules(token: withKey([32]), roles: [.user, officer])
        #expect(code(both, "1234", .user) == nil && code(both, digits, .user) == .pinRefused)
    }

    // Otherwise a module that mistakes it for the user's PIN could lock the user's PIN.
    @Test("A PIN instead of a key is sent only while the user's PIN can be sent")
    func otherLengths() {
        let officer = UserType.securityOfficer
        var rules = Rules(token: withKey([32], others: [6, 8]), roles: [officer])
        for (pin, isSent) in [
            ("123456", true), ("1234567", false), ("12345678", true), ("pin xx", true),
        ] {
            #expect(code(rules, pin, officer) == (isSent ? nil : .pinRefused), "\(pin)")
        }
        let key = String(repeating: "0", count: 32)
        let flags: [(TokenFlags, IssuanceError.Code?)] = [
            (.userPINFinalTry, .pinLastTry), (.userPINLocked, .pinRefused),
            (.userPINCountLow, nil), (.soPINFinalTry, nil),
        ]
        for (flag, expected) in flags {
            rules.token.flags = Self.ready.union(flag)
            #expect(code(rules, "123456", officer) == expected, "\(flag)")
            #expect(code(rules, key, officer) == nil, "\(flag)")
        }
        rules.token.flags = Self.ready.union(.userPINFinalTry)
        rules.allowsLastTry = true
        #expect(code(rules, "123456", officer) == nil)
        rules.token.flags = [.loginRequired]
        #expect(code(rules, "123456", officer) == .tokenNotWritable)
    }

    @Test("A PIN has the name from the profile")
    func names() {
        #expect(Rules().name(of: .user) == "PIN")
        #expect(Rules().name(of: .securityOfficer) == "SO PIN")
        let named = Rules(token: withKey([32]))
        #expect(named.name(of: .user) == "PIN")
        #expect(named.name(of: .securityOfficer) == "management key")
    }
}
