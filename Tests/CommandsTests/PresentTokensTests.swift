import Testing

@testable import TokencertCommands

/// How a command that goes over several tokens ends.
@Suite struct PresentTokensTests {
    private func outcome(
        _ failures: [Failure] = [], hasFindings: Bool = false
    ) -> PresentTokens.Outcome {
        PresentTokens.Outcome(
            count: 3, work: .check, failures: failures, hasFindings: hasFindings)
    }

    @Test("Without failures and findings, the command succeeds")
    func success() throws {
        try outcome().requireSuccess()
        #expect(throws: Findings.self) { try outcome(hasFindings: true).requireSuccess() }
    }

    // Otherwise monitoring would take a token that was not checked for one with an expiring
    // certificate, or a script would get a second JSON object.
    @Test("A failure takes precedence over findings, and has the status and hints of the first one")
    func failure() {
        let failures = [
            Failure(.tokenFailed, code: "device", "it was removed", hints: ["insert it"]),
            Failure(.noPermission, "the PIN is wrong", hints: ["type another one"]),
        ]
        let thrown = #expect(throws: Failure.self) {
            try outcome(failures, hasFindings: true).requireSuccess()
        }
        #expect(thrown?.status == .tokenFailed && thrown?.code == "device")
        #expect(thrown?.message == "2 of 3 tokens cannot be checked")
        #expect(thrown?.hints == ["insert it"])
        #expect(thrown?.isInJSON == true)
    }
}
