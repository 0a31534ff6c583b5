import Testing

@testable import TokencertTokens

@Suite struct SerialNumberTests {
    @Test("Serial numbers are compared without leading zeros")
    func canonical() {
        #expect(serialNumber("0f") == "0f" && serialNumber("F") == "0f")
        #expect(serialNumber("000") == "00" && serialNumber("0x0") == "00")
        #expect(serialNumber("01:00") == "0100" && serialNumber("100") == "0100")
        #expect(serialNumber("") == nil && serialNumber("0x") == nil && serialNumber("-") == nil)
    }

    /// Otherwise the certificate with the number 1 could be shown or removed instead of the one
    /// with -1.
    @Test("A negative serial number keeps its sign")
    func negative() {
        #expect(serialNumber("-1") == "-01" && serialNumber("-0x0F:3a") == "-0f3a")
        #expect(serialNumber("-0") == "00" && serialNumber("--1") == nil)
    }
}
