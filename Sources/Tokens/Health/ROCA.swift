/// Whether an RSA modulus has the form of the library of CVE-2017-15361 (ROCA).
///
/// That library generated primes of the form `k * M + (65537^a mod M)`, where M is a product of
/// small primes. The modulus is therefore a power of 65537 modulo each of these primes. For a
/// random modulus, the probability of this is about 2^-27 (Nemec et al., "The Return of
/// Coppersmith's Attack", ACM CCS 2017, section 2).
package func hasROCAFingerprint(modulus: [UInt8]) -> Bool {
    guard modulus.count >= 64 else { return false }
    return smallPrimes.allSatisfy { prime in
        let remainder = modulus.reduce(0) { ($0 << 8 | Int($1)) % prime }
        return powers(of: 65537, modulo: prime).contains(remainder)
    }
}

/// The primes that divide M for every key length.
private let smallPrimes = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
]

private func powers(of base: Int, modulo prime: Int) -> Set<Int> {
    var powers: Set<Int> = []
    var power = 1
    while powers.insert(power).inserted { power = power * base % prime }
    return powers
}
