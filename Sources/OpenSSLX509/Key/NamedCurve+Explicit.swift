extension NamedCurve {
    /// Reads ECParameters, which hold the name of a curve or its explicit parameters (RFC 5480,
    /// section 2.1.1; SEC 1, section C.2). Returns nil for any other curve.
    ///
    /// Some modules return explicit parameters. Not all of them are compared: if the curve is a
    /// different one, the token's signature does not verify.
    init?(ecParameters parameters: [UInt8]) {
        let name = DER.readWhole(0x06, parameters).map { DER.element(0x06, $0) }
        let curve =
            Self.allCases.first { $0.ecParameters == name }
            ?? ExplicitCurve(parameters).flatMap { found in
                Self.allCases.first { $0.numbers == found }
            }
        guard let curve else { return nil }
        self = curve
    }

    private var numbers: ExplicitCurve {
        switch self {
        case .p256:
            ExplicitCurve(
                prime: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
                a: "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
                b: "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
                x: "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
                order: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
        case .p384:
            ExplicitCurve(
                prime: String(repeating: "f", count: 63) + "effffffff0000000000000000ffffffff",
                a: String(repeating: "f", count: 63) + "effffffff0000000000000000fffffffc",
                b: "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a"
                    + "c656398d8a2ed19d2a85c8edd3ec2aef",
                x: "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"
                    + "5502f25dbf55296c3a545e3872760ab7",
                order: String(repeating: "f", count: 48)
                    + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973")
        case .p521:
            ExplicitCurve(
                prime: "1" + String(repeating: "f", count: 130),
                a: "1" + String(repeating: "f", count: 129) + "c",
                b: "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109"
                    + "e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
                x: "c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3d"
                    + "baa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
                order: "1" + String(repeating: "f", count: 65)
                    + "a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409")
        }
    }
}

/// The parameters of a curve over a prime field, big-endian without leading zeros.
private struct ExplicitCurve: Equatable {
    let prime: [UInt8]
    let a: [UInt8]
    let b: [UInt8]
    /// The x coordinate of the generator.
    let x: [UInt8]
    let order: [UInt8]

    init(prime: String, a: String, b: String, x: String, order: String) {
        self.prime = Self.number(prime)
        self.a = Self.number(a)
        self.b = Self.number(b)
        self.x = Self.number(x)
        self.order = Self.number(order)
    }

    /// Reads SpecifiedECDomain.
    init?(_ parameters: [UInt8]) {
        guard let whole = DER.readWhole(0x30, parameters),
            let version = DER.read(whole[...]), version.tag == 0x02,
            let field = DER.read(version.rest), field.tag == 0x30,
            let fieldType = DER.read(field.content), fieldType.tag == 0x06,
            Array(fieldType.content) == Self.primeField,
            let prime = DER.read(fieldType.rest), prime.tag == 0x02,
            let curve = DER.read(field.rest), curve.tag == 0x30,
            let a = DER.read(curve.content), a.tag == 0x04,
            let b = DER.read(a.rest), b.tag == 0x04,
            let generator = DER.read(curve.rest), generator.tag == 0x04,
            let order = DER.read(generator.rest), order.tag == 0x02
        else { return nil }
        self.prime = Self.number(prime.content)
        self.a = Self.number(a.content)
        self.b = Self.number(b.content)
        self.order = Self.number(order.content)
        let point = Array(generator.content)
        // A compressed point has one coordinate, any other has both.
        let isCompressed = point.first == 2 || point.first == 3
        let length = isCompressed ? point.count - 1 : (point.count - 1) / 2
        guard length > 0 else { return nil }
        x = Self.number(point[1..<1 + length])
    }

    /// The content of the object identifier prime-field (ANSI X9.62).
    private static let primeField: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x01, 0x01]

    private static func number(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        Array(bytes.drop { $0 == 0 })
    }

    private static func number(_ digits: String) -> [UInt8] {
        let even = (digits.count.isMultiple(of: 2) ? "" : "0") + digits
        return number((bytes(hexadecimal: even) ?? [])[...])
    }
}
