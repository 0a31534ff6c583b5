import OpenSSLX509
import Testing

@testable import TokencertCAcert
@testable import TokencertIssuance

/// The names and addresses that are requested.
@Suite struct AccountChoicesTests {
    private func choices(
        _ names: [String], _ addresses: [String] = ["anna@example.org"]
    ) -> AccountStatus {
        AccountStatus(
            emailAddresses: addresses, names: names.map(AccountName.init),
            mayRequestCodeSigning: false)
    }

    @Test("A name in the signer's form selects the account's name, unless it is itself a name")
    func names() throws {
        let account = choices(["Anna Müller", "Łukasz Żółć"])
        #expect(try account.chosenName("Anna MÃ¼ller").text == "Anna Müller")
        #expect(try account.chosenName("Å\u{81}ukasz Å»Ã³Å\u{82}Ä\u{87}").text == "Łukasz Żółć")
        // Decomposed and precomposed letters match.
        #expect(try account.chosenName("Anna Mu\u{308}ller").text == "Anna Müller")
        let both = choices(["Anna Müller", "Anna MÃ¼ller"])
        #expect(try both.chosenName("Anna MÃ¼ller").text == "Anna MÃ¼ller")
        for unknown in ["Anna MÃ", "anna müller", "Anna M\u{FFFD}\u{FFFD}ller"] {
            #expect(throws: IssuanceError.self) { try account.chosenName(unknown) }
        }
    }

    @Test("A name that cannot be issued is refused and never replaced, whether requested or not")
    func impossibleNames() throws {
        for wanted in [nil, "Jeanne D'Arc"] {
            let error = try #require(throws: IssuanceError.self) {
                try choices(["Jeanne D'Arc"]).chosenName(wanted)
            }
            #expect(error.code == .nameNotIssuable && error.step == .plan)
            #expect(error.choices == ["CAcert WoT User"])
        }
        let error = try #require(throws: IssuanceError.self) {
            try choices(["Jeanne D'Arc", "Jeanne Arc"]).chosenName("Jeanne D'Arc")
        }
        #expect(error.choices == ["Jeanne Arc", "CAcert WoT User"])
        #expect(try choices([]).chosenName(nil) == AccountStatus.anonymousName)
    }

    @Test("Addresses match without case, and the given spelling is requested")
    func addresses() throws {
        let account = choices([], ["anna@example.org", "Bob@Example.org", "o'n@example.org"])
        #expect(
            try account.chosenAddresses(["BOB@example.org", "anna@example.org", "bob@EXAMPLE.org"])
                == ["BOB@example.org", "anna@example.org"])
        // Case matters for letters outside ASCII.
        let error = try #require(throws: IssuanceError.self) {
            try account.chosenAddresses(["anna@\u{212A}.org"])
        }
        #expect(error.code == .accountLacks && !error.choices.contains("o'n@example.org"))
        let lost = try #require(throws: IssuanceError.self) {
            try account.chosenAddresses(["O'N@example.org"])
        }
        #expect(lost.code == .addressNotIssuable)
        #expect(try choices([]).chosenAddresses([]) == ["anna@example.org"])
        #expect(throws: IssuanceError.self) { try choices([], ["o'n@a.org"]).chosenAddresses([]) }
    }
}
