import OpenSSLX509
import Testing

@testable import TokencertIssuance

/// The keys that the CA accepts.
@Suite struct KeyAcceptanceTests {
    @Test("An RSA key is accepted only if CAcert accepts its public exponent")
    func exponents() {
        let modulus = [UInt8](repeating: 0xC1, count: 256)
        for (exponent, isTaken) in [
            ([1, 0, 1], true), ([0, 1, 0, 1], true), ([1, 0, 3], true),
            ([0xFF, 0, 0, 0, 0, 0, 0, 1], true), ([3], false), ([17], false),
            ([0xFF, 0xFF], false), ([0, 0xFF, 0xFF], false), ([1, 0, 0, 0, 0, 0, 0, 0, 1], false),
        ] as [([UInt8], Bool)] {
            let key = PublicKey(rsaModulus: modulus, publicExponent: exponent)
            #expect((KeyAcceptance.cacert.objection(to: key) == nil) == isTaken, "\(exponent)")
            #expect(KeyAcceptance.anything.objection(to: key) == nil, "\(exponent)")
        }
        let short = PublicKey(rsaModulus: Array(modulus.prefix(128)), publicExponent: [1, 0, 1])
        #expect(KeyAcceptance.cacert.objection(to: short)?.contains("RSA 1024") == true)
    }
}
