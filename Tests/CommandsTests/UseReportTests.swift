import Testing

@testable import TokencertCommands

/// The files that `use` shows before it writes them.
@Suite struct UseReportTests {
    @Test("Of a certificate only the first and the last line are shown, and everything around it")
    func shortened() {
        let text = """
            first
            -----BEGIN CERTIFICATE-----
            MIIE
            YDCC
            -----END CERTIFICATE-----
            last

            """
        #expect(
            UseReport.shortened(text) == [
                "first", "-----BEGIN CERTIFICATE-----", "...", "-----END CERTIFICATE-----", "last",
            ])
    }
}
